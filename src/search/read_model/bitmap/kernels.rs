//! Loops over the words of bitmaps. They are compiled twice; the faster variant runs where the processor has the
//! instructions.

#[cfg(target_arch = "x86_64")]
fn has_fast_bits() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("popcnt")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("bmi2")
}

/// Defines a function that is also compiled for processors with wide registers and instructions that count bits.
macro_rules! kernel {
    (fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty $body:block) => {
        pub fn $name($($arg: $ty),*) -> $ret {
            #[inline(always)]
            fn plain($($arg: $ty),*) -> $ret $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
                fn fast($($arg: $ty),*) -> $ret {
                    plain($($arg),*)
                }
                if has_fast_bits() {
                    // SAFETY: the processor has these instructions.
                    return unsafe { fast($($arg),*) };
                }
            }
            plain($($arg),*)
        }
    };
}

kernel! {
    fn count_words(words: &[u64]) -> u32 {
        words.iter().map(|word| word.count_ones()).sum()
    }
}

kernel! {
    fn count_common(left: &[u64], right: &[u64]) -> u32 {
        left.iter().zip(right).map(|(left, right)| (left & right).count_ones()).sum()
    }
}

kernel! {
    fn and_words(left: &mut [u64], right: &[u64]) -> () {
        left.iter_mut().zip(right).for_each(|(left, right)| *left &= right);
    }
}

kernel! {
    fn and_not_words(left: &mut [u64], right: &[u64]) -> () {
        left.iter_mut().zip(right).for_each(|(left, right)| *left &= !right);
    }
}

kernel! {
    fn or_words(left: &mut [u64], right: &[u64]) -> () {
        left.iter_mut().zip(right).for_each(|(left, right)| *left |= right);
    }
}

kernel! {
    fn count_before(words: &[u64]) -> Vec<u32> {
        let mut counts = Vec::with_capacity(words.len() + 1);
        let mut sum = 0;
        for word in words {
            counts.push(sum);
            sum += word.count_ones();
        }
        counts.push(sum);
        counts
    }
}

kernel! {
    // For each run of rows that ends at a bit of `ends`: sets this bit if any row of the run is set. Adding ones below the
    // end carries into it exactly when one of them is set. Returns whether a run goes on behind the last word, too.
    fn run_ends(rows: &[u64], ends: &[u64], carry: bool) -> (Vec<u64>, bool) {
        let mut carry = carry;
        let mut found = Vec::with_capacity(rows.len() + 1);
        for (row, end) in rows.iter().zip(ends) {
            let below = !end;
            let (sum, first) = (row & below).overflowing_add(below);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            carry = first | second;
            found.push((sum | row) & end);
        }
        (found, carry)
    }
}
