//! Names that are nearly a text.

use super::key::sorted_words;

/// Names by the triples of letters in them. A text that is like a name shares some of its triples, so that only names
/// which share the rarest are compared: the time of a question does not grow with the number of names.
pub(super) struct Near {
    /// Keys with their nodes.
    keys: Vec<(String, u32)>,
    /// Where the names of each bucket begin in `postings`; a triple's bucket is its hash.
    starts: Vec<u32>,
    postings: Vec<u32>,
}

/// So many mentions of names in buckets are looked at.
const LOOKED_AT: usize = 10_000;
/// So many names are compared: those that share the most triples.
const COMPARED: usize = 64;
/// Longer names, in characters, are not compared.
const LONGEST: usize = 256;
/// What is less similar is not even mentioned.
const MENTIONED: f64 = 0.5;

impl Near {
    /// Of keys with their nodes.
    pub(super) fn new(mut keys: Vec<(String, u32)>) -> Self {
        keys.retain(|(key, _)| !key.is_empty() && key.chars().count() <= LONGEST);
        let letters: usize = keys.iter().map(|(key, _)| key.len()).sum();
        let buckets = (letters / 4).next_power_of_two().clamp(1 << 8, 1 << 20);
        let mut starts = vec![0u32; buckets + 1];
        for (key, _) in &keys {
            triples(key, buckets).for_each(|bucket| starts[bucket + 1] += 1);
        }
        for bucket in 0..buckets {
            starts[bucket + 1] += starts[bucket];
        }
        let mut next = starts.clone();
        let mut postings = vec![0; starts[buckets] as usize];
        for (place, (key, _)) in keys.iter().enumerate() {
            for bucket in triples(key, buckets) {
                postings[next[bucket] as usize] = place as u32;
                next[bucket] += 1;
            }
        }
        Self { keys, starts, postings }
    }

    /// Nodes with names like a key, the most similar first, each once, with its similarity: 1 less the edits (a letter
    /// more, less, another, or two swapped) over the letters of the longer one, with the words in their order or sorted,
    /// whichever is more.
    pub(super) fn find(&self, key: &str) -> Vec<(u32, f64)> {
        if key.chars().count() > LONGEST {
            return Vec::new();
        }
        let sorted = sorted_words(key);
        let mut found: Vec<(u32, f64)> = self
            .candidates(key)
            .into_iter()
            .map(|place| &self.keys[place as usize])
            .map(|(other, node)| (*node, similarity(key, other).max(similarity(&sorted, &sorted_words(other)))))
            .filter(|&(_, similarity)| similarity >= MENTIONED)
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        found.dedup_by_key(|(node, _)| *node);
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found
    }

    /// Places of keys that share the rarest triples, those that share the most first.
    fn candidates(&self, key: &str) -> Vec<u32> {
        let mut buckets: Vec<&[u32]> = Vec::new();
        let mut asked: Vec<usize> = triples(key, self.starts.len() - 1).collect();
        asked.sort_unstable();
        asked.dedup();
        buckets.extend(asked.iter().map(|&at| &self.postings[self.starts[at] as usize..self.starts[at + 1] as usize]));
        buckets.sort_by_key(|bucket| bucket.len());
        let mut places: Vec<u32> = buckets.into_iter().flatten().copied().take(LOOKED_AT).collect();
        places.sort_unstable();
        let mut shared: Vec<(usize, u32)> =
            places.chunk_by(|a, b| a == b).map(|equal| (equal.len(), equal[0])).collect();
        shared.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        shared.into_iter().take(COMPARED).map(|(_, place)| place).collect()
    }
}

/// The buckets of the triples of neighbouring letters, with two spaces before the first and one after the last.
fn triples(key: &str, buckets: usize) -> impl Iterator<Item = usize> + '_ {
    let (mut first, mut second) = (' ', ' ');
    key.chars().chain([' ']).map(move |third| {
        let mut hash = 0u64;
        for letter in [first, second, third] {
            hash = (hash ^ u64::from(u32::from(letter))).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            hash ^= hash >> 32;
        }
        (first, second) = (second, third);
        // `buckets` is a power of two.
        hash as usize & (buckets - 1)
    })
}

fn similarity(a: &str, b: &str) -> f64 {
    let (short, long) = (a.chars().count(), b.chars().count());
    let (short, long) = (short.min(long), short.max(long));
    // As many edits as one is longer are needed in any case.
    if long == 0 || (short as f64) < MENTIONED * long as f64 {
        return 0.0;
    }
    1.0 - strsim::osa_distance(a, b) as f64 / long as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(names: &[&str]) -> Near {
        Near::new((0..).zip(names).map(|(node, name)| ((*name).to_owned(), node)).collect())
    }

    #[test]
    fn the_most_similar_comes_first_and_each_node_once() {
        let mut names = near(&["yellow warbler", "yelow warbler", "willow warbler", "crow", ""]);
        names.keys[1].1 = 0;
        // One edit in the 14 letters of the first name; the third is three letters off the text.
        assert_eq!(names.find("yellow warbller"), [(0, 1.0 - 1.0 / 15.0), (2, 1.0 - 3.0 / 15.0)]);
        assert_eq!(names.find("warbler, yellow")[0], (0, 1.0));
        assert_eq!(names.find("crwo"), [(3, 0.75)]);
        assert!(names.find("zzz").is_empty() && names.find("").is_empty());
    }

    #[test]
    fn long_names_and_many_equal_ones_are_bounded() {
        let long = "x".repeat(LONGEST + 1);
        let mut many = vec!["species of nothing"; 20_000];
        many.extend([&*long, "species of somethink"]);
        let names = near(&many);
        assert!(names.find(&long).is_empty());
        assert_eq!(names.find("species of something")[0].0, 20_001);
    }
}
