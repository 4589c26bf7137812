//! Texts that spreadsheet programs show for errors.

/// Errors without a mark at their end, in upper case: a missing value and data that are still loading.
const WORDS: [&str; 28] = [
    "N/A",
    "N/D",
    "N/B",
    "N/V",
    "N/G",
    "I/T",
    "NV",
    "Н/Д",
    "Δ/Υ",
    "YOK",
    "SAKNAS",
    "HIÁNYZIK",
    "PUUDUB",
    "NEDOSTUPNÝ",
    "NENÍ_K_DISPOZICI",
    "NIE_DOTYCZY",
    "GETTING_DATA",
    "LOADING",
    "DATEN_ABRUFEN",
    "CHARGEMENT_DONNEES",
    "OBTENIENDO_DATOS",
    "OBTENDO_DADOS",
    "OBTER_DADOS",
    "ESTRAZIONE_DATI",
    "GEGEVENS_OPHALEN",
    "HÄMTAR_DATA",
    "POBIERANIE_DANYCH",
    "ЗАГРУЗКА_ДАННЫХ",
];

/// Errors of English programs with a mark at their end, which users also type in lower case.
const MARKED_WORDS: [&str; 8] = ["NULL!", "DIV/0!", "VALUE!", "REF!", "NAME?", "NUM!", "SPILL!", "CALC!"];

/// The word before the number of a LibreOffice error, in the languages that translate it, in lower case.
const NUMBERED_WORDS: [&str; 15] = [
    "err",
    "erro",
    "erreur",
    "errore",
    "fehler",
    "fout",
    "fel",
    "feil",
    "fejl",
    "virhe",
    "błąd",
    "chyba",
    "hiba",
    "hata",
    "ошибка",
];

/// The same in languages without spaces between words.
const NUMBERED_PREFIXES: [&str; 5] = ["错误", "錯誤", "エラー", "오류", "помилка"];

/// Reports whether a text is an error of a spreadsheet program: `#REF!`, `#N/A`, `Err:502`, or the like in another
/// language; also `###`, which stands for a value that does not fit its column.
pub fn is_error_text(text: &str) -> bool {
    let text = text.trim();
    if let Some(name) = text.strip_prefix('#') {
        return is_error_name(name);
    }
    text == "Loading..." || is_numbered(text)
}

fn is_error_name(name: &str) -> bool {
    let upper = name.to_uppercase();
    if WORDS.contains(&upper.as_str()) || MARKED_WORDS.contains(&upper.as_str()) {
        return true;
    }
    if name.len() >= 2 && name.bytes().all(|byte| byte == b'#') {
        return true;
    }
    // #BEZUG!, #¡VALOR!, #ИМЯ?, also #Saknas!, but no sentence.
    let word = name.strip_suffix(['!', '?']).unwrap_or_default();
    let is_error_letter = |c: char| c.is_uppercase() || c.is_ascii_digit() || "/_¡¿".contains(c);
    word.chars().any(char::is_uppercase) && word.chars().all(is_error_letter) || word.to_uppercase() == "SAKNAS"
}

/// Whether a text is a word for error, a colon and the number of an error of LibreOffice.
fn is_numbered(text: &str) -> bool {
    let Some((word, number)) = text.split_once([':', '：']) else { return false };
    let number = number.trim_start();
    if number.len() != 3 || !number.starts_with('5') || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let word = word.trim_end().to_lowercase();
    NUMBERED_WORDS.contains(&word.as_str()) || NUMBERED_PREFIXES.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_many_languages_are_recognised() {
        let errors = "#NULL! #DIV/0! #VALUE! #REF! #NAME? #NUM! #N/A #GETTING_DATA #SPILL! #CALC! #FIELD! #BLOCKED! #UNKNOWN! \
                      #CONNECT! #BUSY! #EXTERNAL! #PYTHON! #ERROR! #TIMEOUT! #MACRO? #n/a #ref! #Ref! ### ######## #WERT! \
                      #BEZUG! #NV #ÜBERLAUF! #VALEUR! #NOM? #¡VALOR! #¿NOMBRE? #N/D #RIF! #NÚM! #DEEL/0! #N/B #SAKNAS! \
                      #Saknas! #VÆRDI! #I/T #PUUTTUU! #N/D! #ЗНАЧ! #Н/Д #ССЫЛКА! #NENÍ_K_DISPOZICI #YOK Err:502 Err:508 \
                      Erro:502 Ошибка:502 错误:502 エラー:522 Fout:504 Błąd:502 Hiba:502 Fel:511 Loading...";
        for text in errors.split_whitespace().chain(["Err: 502", "Err :502", " #REF! "]) {
            assert!(is_error_text(text), "{text}");
        }
        for text in [
            "# of the day!",
            "#1",
            "#",
            "##",
            "Room:502",
            "Error: 502",
            "Raum:512",
            "Err",
            "Err:12",
            "Err:5021",
            "Why?",
            "#hashtag",
            "#Party!",
            "#a?",
        ] {
            assert!(!is_error_text(text), "{text}");
        }
    }
}
