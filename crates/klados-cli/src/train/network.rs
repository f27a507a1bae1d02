//! The head: a Burn module, and its weights as a safetensors file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use burn::module::{Module, Param};
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData, activation::relu};
use safetensors::{Dtype, SafeTensors, View};

use super::examples::Standardizer;
use super::settings::Head;
use crate::data::replace::replace;

/// Rows that go through the head at once when nothing is learnt.
const CHUNK: usize = 1024;

/// A linear layer, with a hidden layer before it where one was asked for.
#[derive(Module, Debug)]
pub(crate) struct Network {
    hidden: Option<Linear>,
    output: Linear,
}

impl Network {
    /// A head with its first weights: zeros for a linear one, whose loss has one valley, random ones for a hidden layer.
    pub(crate) fn new(head: Head, inputs: usize, hidden: usize, outputs: usize, seed: u64, device: &Device) -> Self {
        device.seed(seed);
        let zeros = |inputs| LinearConfig::new(inputs, outputs).with_initializer(Initializer::Zeros).init(device);
        match head {
            Head::Linear => Self { hidden: None, output: zeros(inputs) },
            Head::Mlp => Self { hidden: Some(LinearConfig::new(inputs, hidden).init(device)), output: zeros(hidden) },
        }
    }

    /// Logits `[rows, outputs]` of features `[rows, inputs]`.
    pub(crate) fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        let features = match &self.hidden {
            Some(hidden) => relu(hidden.forward(features)),
            None => features,
        };
        self.output.forward(features)
    }

    /// Hands the logits of many rows to `each` without learning, some rows at a time: the first row's index, and
    /// `rows x outputs` logits.
    pub(crate) fn each_logits(
        &self,
        values: &[f32],
        width: usize,
        each: &mut dyn FnMut(usize, &[f32]) -> Result<()>,
    ) -> Result<()> {
        let network = self.valid();
        let device = network.output.weight.device();
        let width = width.max(1);
        for (index, chunk) in values.chunks(CHUNK * width).enumerate() {
            let features = TensorData::new(chunk.to_vec(), [chunk.len() / width, width]);
            let data = network.forward(Tensor::from_data(features, &device)).into_data();
            each(index * CHUNK, &data.try_to_vec::<f32>().map_err(|error| anyhow::anyhow!("logits: {error:?}"))?)?;
        }
        Ok(())
    }
}

/// A head with the scaling of its inputs: all that a prediction needs but names.
pub(crate) struct Model {
    /// The scaling of the inputs.
    pub(crate) standardizer: Standardizer,
    /// The head.
    pub(crate) network: Network,
}

/// A tensor on its way into a file.
struct Entry {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl View for Entry {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }
    fn data_len(&self) -> usize {
        self.values.len() * size_of::<f32>()
    }
}

impl Model {
    /// As [`Network::each_logits`], of rows that were not scaled yet.
    pub(crate) fn each_logits(&self, values: &[f32], each: &mut dyn FnMut(usize, &[f32]) -> Result<()>) -> Result<()> {
        let mut values = values.to_vec();
        self.standardizer.apply(&mut values);
        self.network.each_logits(&values, self.standardizer.mean.len(), each)
    }

    /// Writes the weights: `input.mean` and `input.scale` `[inputs]`, then for each layer `weight` `[inputs, outputs]` and
    /// `bias` `[outputs]`, all `float32`.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let mut entries = Vec::new();
        let scaling = [("mean", &self.standardizer.mean), ("scale", &self.standardizer.scale)];
        for (name, values) in scaling {
            entries.push((format!("input.{name}"), Entry { shape: vec![values.len()], values: values.clone() }));
        }
        let layers =
            self.network.hidden.iter().map(|layer| ("hidden", layer)).chain([("output", &self.network.output)]);
        for (name, layer) in layers {
            entries.push((format!("{name}.weight"), entry(layer.weight.val())?));
            if let Some(bias) = &layer.bias {
                entries.push((format!("{name}.bias"), entry(bias.val())?));
            }
        }
        let bytes = safetensors::serialize(entries, None).context("the model's tensors")?;
        replace(path, |file| std::io::Write::write_all(file, &bytes))
    }

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, lacks a tensor, or holds shapes that do not follow on each other.
    pub(crate) fn load(path: &Path, device: &Device) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::from_bytes(&bytes, device).with_context(|| format!("{} is not a model of klados", path.display()))
    }

    fn from_bytes(bytes: &[u8], device: &Device) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes)?;
        let mut entries = HashMap::new();
        for (name, tensor) in file.tensors() {
            ensure!(tensor.dtype() == Dtype::F32, "tensor \"{name}\" is {:?}, expected F32", tensor.dtype());
            let (values, _) = tensor.data().as_chunks::<4>();
            let values: Vec<f32> = values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            entries.insert(name, Entry { shape: tensor.shape().to_vec(), values });
        }
        let mut vector = |name: &str| match entries.remove(name) {
            Some(entry) if entry.shape.len() == 1 => Ok(entry.values),
            Some(entry) => bail!("tensor \"{name}\" has shape {:?}, expected one dimension", entry.shape),
            None => bail!("there is no tensor \"{name}\""),
        };
        let standardizer = Standardizer { mean: vector("input.mean")?, scale: vector("input.scale")? };
        let (inputs, scales) = (standardizer.mean.len(), standardizer.scale.len());
        ensure!(inputs == scales, "\"input.mean\" has {inputs} values, \"input.scale\" {scales}");
        let hidden = match entries.contains_key("hidden.weight") {
            true => Some(layer(&mut entries, "hidden", inputs, device)?),
            false => None,
        };
        let width = hidden.as_ref().map_or(inputs, |layer| layer.weight.dims()[1]);
        let output = layer(&mut entries, "output", width, device)?;
        Ok(Self { standardizer, network: Network { hidden, output } })
    }

    /// How many logits the head gives.
    pub(crate) fn outputs(&self) -> usize {
        self.network.output.weight.dims()[1]
    }
}

fn entry<const D: usize>(tensor: Tensor<D>) -> Result<Entry> {
    let shape = tensor.dims().to_vec();
    let values = tensor.into_data().try_to_vec::<f32>().map_err(|error| anyhow::anyhow!("weights: {error:?}"))?;
    Ok(Entry { shape, values })
}

fn layer(entries: &mut HashMap<String, Entry>, name: &str, inputs: usize, device: &Device) -> Result<Linear> {
    let mut take = |part: &str| {
        let name = format!("{name}.{part}");
        entries.remove(&name).with_context(|| format!("there is no tensor \"{name}\""))
    };
    let (weight, bias) = (take("weight")?, take("bias")?);
    let (&[rows, columns], &[outputs]) = (&weight.shape[..], &bias.shape[..]) else {
        bail!(
            "layer \"{name}\" has shapes {:?} and {:?}, expected [inputs, outputs] and [outputs]",
            weight.shape,
            bias.shape
        );
    };
    ensure!(rows == inputs, "layer \"{name}\" takes {rows} inputs, but gets {inputs}");
    ensure!(columns == outputs, "layer \"{name}\" has {columns} outputs, but {outputs} biases");
    let weight = Tensor::<2>::from_data(TensorData::new(weight.values, [rows, columns]), device);
    let bias = Tensor::<1>::from_data(TensorData::new(bias.values, [outputs]), device);
    Ok(Linear { weight: Param::from_tensor(weight), bias: Some(Param::from_tensor(bias)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logits(model: &Model) -> Vec<f32> {
        let mut all = Vec::new();
        let mut collect = |_, logits: &[f32]| {
            all.extend_from_slice(logits);
            Ok(())
        };
        model.each_logits(&[1.0, 2.0, 3.0, -1.0, 0.5, 0.0], &mut collect).expect("logits");
        all
    }

    #[test]
    fn what_is_saved_is_loaded_and_a_wrong_file_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("model.safetensors");
        let device = Device::flex();
        let mut network = Network::new(Head::Mlp, 3, 4, 2, 7, &device);
        network.output.weight = Param::from_tensor(Tensor::ones([4, 2], &device));
        let standardizer = Standardizer { mean: vec![1.0, 0.0, 2.0], scale: vec![1.0, 2.0, 0.5] };
        let model = Model { standardizer, network };
        model.save(&path).expect("saved");
        let loaded = Model::load(&path, &device).expect("loaded");
        assert_eq!((loaded.outputs(), logits(&loaded)), (2, logits(&model)));
        assert!(logits(&model).iter().any(|logit| *logit != 0.0));

        let bytes = std::fs::read(&path).expect("read");
        std::fs::write(&path, &bytes[..bytes.len() - 1]).expect("written");
        let message = Model::load(&path, &device).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains("is not a model of klados"), "{message}");
    }
}
