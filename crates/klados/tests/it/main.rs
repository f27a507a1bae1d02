//! The tests of the core from outside, in one binary.

mod answers;
mod any_format;
mod architecture;
mod batches;
mod calibrations;
mod check;
mod compiled;
mod decisions;
mod formats;
mod formats_directory;
mod formats_edges;
mod formats_json;
mod formats_of_data_sets;
mod formats_text;
mod formats_toml_xml;
mod forms;
mod given_probabilities;
#[cfg(feature = "half")]
mod halves;
mod hierarchies;
mod inputs;
mod labels;
mod losses;
mod matching;
mod node_columns;
mod node_log_probs;
mod properties;
mod pruning;
mod scores;
mod sigmoids;
mod softmaxes;
mod statistics;
mod terms;
mod writing;
mod written_texts;
