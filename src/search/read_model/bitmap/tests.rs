use super::*;

fn set(rows: &[u32]) -> Bitmap {
    let mut bits = Bitmap::empty();
    rows.iter().for_each(|row| bits.insert(*row));
    bits
}

#[test]
fn runs_are_found_across_words() {
    let ends = set(&[0, 62, 64, 129, 130, 191]);
    for (rows, expected) in [
        (vec![], vec![]),
        (vec![0], vec![0]),
        (vec![1, 61], vec![62]),
        (vec![63], vec![64]),
        (vec![64, 65, 100], vec![64, 129]),
        (vec![130, 131], vec![130, 191]),
    ] {
        let found: Vec<u32> = set(&rows).run_ends(&ends).iter().collect();
        assert_eq!(found, expected, "{rows:?}");
    }
}

#[test]
fn rows_are_counted_and_found_by_position() {
    let rows = [0, 3, 63, 64, 127, 128, 191];
    let bits = set(&rows);
    let ranks = bits.ranks();
    assert_eq!((bits.count(), ranks.total()), (7, 7));
    for position in 0..=7 {
        let rest: Vec<u32> = ranks.rows_from(position).collect();
        assert_eq!(rest, rows[position as usize..], "{position}");
    }
    for row in 0..=192 {
        assert_eq!(ranks.before(row) as usize, rows.iter().filter(|other| **other < row).count(), "{row}");
    }
    let mut range = Bitmap::empty();
    range.insert_range(3, 128);
    assert_eq!(range.count(), 125);
    assert_eq!(Bitmap::full(192).count(), 192);
}

#[test]
fn sets_of_few_words_are_the_same_as_sets_of_all_words() {
    let all = 1000;
    let ends: Vec<u32> = (0..all).filter(|row| row % 7 == 3 || *row == 999).collect();
    let mut seed = 7_u32;
    for _ in 0..300 {
        let mut next = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % below
        };
        let mut rows = || -> Vec<u32> {
            let (first, length) = (next(all), 1 + next(300));
            let count = next(20);
            (0..count).map(|_| (first + next(length)).min(all - 1)).collect()
        };
        let (left, right) = (rows(), rows());
        let (one, other) = (set(&left), set(&right));
        let expected = |keeps: &dyn Fn(u32) -> bool| (0..all).filter(|row| keeps(*row)).collect::<Vec<u32>>();
        let (is_left, is_right) = (|row: u32| left.contains(&row), |row: u32| right.contains(&row));
        let of = |change: &dyn Fn(&mut Bitmap, &Bitmap)| {
            let mut changed = one.clone();
            change(&mut changed, &other);
            (changed.iter().collect::<Vec<u32>>(), changed.count() as usize)
        };
        let both = expected(&|row| is_left(row) && is_right(row));
        assert_eq!(of(&Bitmap::and), (both.clone(), both.len()), "{left:?} {right:?}");
        let either = expected(&|row| is_left(row) || is_right(row));
        assert_eq!(of(&Bitmap::or), (either.clone(), either.len()), "{left:?} {right:?}");
        let without = expected(&|row| is_left(row) && !is_right(row));
        assert_eq!(of(&Bitmap::and_not), (without.clone(), without.len()), "{left:?} {right:?}");
        assert_eq!(one.count_common(&other) as usize, both.len());
        assert_eq!(one.common(&other), Bitmap::of_sorted(&both));
        let (start, end) = (next(all), next(all + 60));
        let between = expected(&|row| is_left(row) && (start..end).contains(&row));
        assert_eq!(one.count_range(start, end) as usize, between.len(), "{left:?} {start} to {end}");
        assert_eq!(one.to_rows(), expected(&is_left));
        assert_eq!(one.last(), left.iter().copied().max());
        let (first, words) = one.as_words();
        assert_eq!(Bitmap::of_words(first, words.to_vec()), one);
        assert_eq!(one.has_common(&other), !both.is_empty());
        let mut common = Vec::new();
        one.for_each_common(&other, |row| common.push(row));
        assert_eq!(common, both);
        let mut positions = Vec::new();
        one.for_each_position_in(&other, &other.counts_before(), |position| positions.push(position));
        let sorted = expected(&is_right);
        let place = |row: &u32| sorted.iter().position(|other| other == row).map(|at| at as u32);
        assert_eq!(positions, both.iter().filter_map(place).collect::<Vec<u32>>());
        let cut = right.first().copied().unwrap_or_default();
        let after = expected(&|row| is_left(row) && row >= cut);
        assert_eq!(of(&|set, _| set.remove_before(cut)).0, after, "{left:?} before {cut}");
        let of_runs = |end: &&u32| {
            let start = ends.iter().rev().find(|other| other < end).map_or(0, |other| other + 1);
            (start..=**end).any(is_left)
        };
        let runs: Vec<u32> = ends.iter().filter(of_runs).copied().collect();
        assert_eq!(one.run_ends(&set(&ends)).iter().collect::<Vec<u32>>(), runs, "{left:?}");
        assert_eq!(Bitmap::of_sorted(&expected(&is_left)), one);
    }
}
