//! Sets of columns: gathered, and reduced to one number each.
//!
//! Sets of similar size are padded to the same power of two and reduced together. Padding points at a column of zeros that
//! every source ends with, and adds what changes nothing.

use std::collections::BTreeMap;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

/// What becomes of the members of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Reduce {
    LogSumExp,
    Max,
    Min,
    Sum,
}

/// Some columns of a row, and what is added to each.
#[derive(Clone, Debug)]
pub(super) struct Set {
    /// Which of the sources the columns are of.
    pub(super) source: usize,
    pub(super) reduce: Reduce,
    pub(super) members: Members,
}

#[derive(Clone, Debug)]
pub(super) enum Members {
    /// All columns but the last, the zeros.
    All,
    /// Columns, `None` for the zeros, each with what is added.
    Some(Vec<(Option<u32>, f64)>),
}

/// The values of sets that each belong to a row.
pub(super) struct Values {
    /// `[rows, columns]`; the last column is 0.
    pub(super) tensor: Tensor<2>,
    /// The column of each set's value in its row.
    pub(super) column: Vec<i32>,
}

impl Values {
    /// The column of zeros.
    pub(super) fn zero(&self) -> i32 {
        self.tensor.dims()[1] as i32 - 1
    }
}

/// `[rows, columns]` to `[rows, columns + 1]`: a source.
pub(super) fn with_zeros(tensor: Tensor<2>) -> Tensor<2> {
    let zeros = Tensor::zeros([tensor.dims()[0], 1], (&tensor.device(), tensor.dtype()));
    Tensor::cat(vec![tensor, zeros], 1)
}

/// The value of each set in its own row. Each row gathers what it needs and no more than the row that needs most.
pub(super) fn by_row(sources: &[Tensor<2>], sets: &[(usize, Set)]) -> Values {
    let rows = sources[0].dims()[0];
    let (mut results, mut next) = (Vec::new(), 0);
    let mut column = vec![0; sets.len()];
    let mut buckets = BTreeMap::<_, Vec<usize>>::new();
    for (index, (_, set)) in sets.iter().enumerate() {
        let width = match &set.members {
            Members::All => None,
            Members::Some(members) => Some(members.len().next_power_of_two()),
        };
        buckets.entry((set.source, set.reduce, width)).or_default().push(index);
    }
    for ((source, reduce, width), indices) in buckets {
        let source = &sources[source];
        let Some(width) = width else {
            let columns = source.dims()[1] - 1;
            indices.iter().for_each(|&index| column[index] = next);
            results.push(reduce.of(source.clone().narrow(1, 0, columns).reshape([rows, 1, columns])));
            next += 1;
            continue;
        };
        let mut of_row: Vec<Vec<usize>> = vec![Vec::new(); rows];
        for index in indices {
            let of_row = &mut of_row[sets[index].0];
            column[index] = next + of_row.len() as i32;
            of_row.push(index);
        }
        let most = of_row.iter().map(Vec::len).max().unwrap_or(0);
        let mut padded = Padded::new(reduce, width, source);
        for indices in of_row {
            indices.iter().for_each(|&index| padded.push(&sets[index].1.members));
            (indices.len()..most).for_each(|_| padded.push_zeros());
        }
        let (gathered, plus) = padded.tensors([rows, most * width], &source.device(), source.dtype());
        let gathered = source.clone().gather(1, gathered);
        results.push(reduce.of(added(gathered, plus).reshape([rows, most, width])));
        next += most as i32;
    }
    results.push(Tensor::zeros([rows, 1], (&sources[0].device(), sources[0].dtype())));
    Values { tensor: Tensor::cat(results, 1), column }
}

/// The value of every set in every row: `[rows, sets]`.
pub(super) fn for_all(source: &Tensor<2>, reduce: Reduce, sets: &[Members]) -> Tensor<2> {
    let [rows, columns] = source.dims();
    let mut buckets = BTreeMap::<usize, Vec<usize>>::new();
    for (index, set) in sets.iter().enumerate() {
        let width = match set {
            Members::All => columns - 1,
            Members::Some(members) => members.len().next_power_of_two(),
        };
        buckets.entry(width).or_default().push(index);
    }
    let (mut results, mut next) = (Vec::new(), 0);
    let mut place = vec![0_i32; sets.len()];
    for (width, indices) in buckets {
        let mut padded = Padded::new(reduce, width, source);
        for &index in &indices {
            place[index] = next;
            next += 1;
            padded.push(&sets[index]);
        }
        let shape = [1, indices.len() * width];
        let (gathered, plus) = padded.tensors(shape, &source.device(), source.dtype());
        let gathered = source.clone().select(1, gathered.squeeze_dim(0));
        results.push(reduce.of(added(gathered, plus).reshape([rows, indices.len(), width])));
    }
    let place = Tensor::from_data(TensorData::new(place, [sets.len()]), &source.device());
    Tensor::cat(results, 1).select(1, place)
}

fn added(gathered: Tensor<2>, plus: Option<Tensor<2>>) -> Tensor<2> {
    match plus {
        Some(plus) => gathered + plus,
        None => gathered,
    }
}

/// Sets of one bucket as flat lists.
struct Padded {
    width: usize,
    /// The column of zeros.
    zeros: i32,
    /// What padding adds.
    neutral: f64,
    column: Vec<i32>,
    plus: Vec<f64>,
}

impl Padded {
    fn new(reduce: Reduce, width: usize, source: &Tensor<2>) -> Self {
        let neutral = match reduce {
            Reduce::LogSumExp | Reduce::Max => f64::NEG_INFINITY,
            Reduce::Min => f64::INFINITY,
            Reduce::Sum => 0.0,
        };
        Self { width, zeros: source.dims()[1] as i32 - 1, neutral, column: Vec::new(), plus: Vec::new() }
    }

    fn push(&mut self, members: &Members) {
        let end = self.column.len() + self.width;
        match members {
            Members::All => self.column.extend(0..self.zeros),
            Members::Some(members) => {
                for &(column, plus) in members {
                    self.column.push(column.map_or(self.zeros, |column| column as i32));
                    self.plus.push(plus);
                }
            }
        }
        self.plus.resize(self.column.len(), 0.0);
        self.column.resize(end, self.zeros);
        self.plus.resize(end, self.neutral);
    }

    /// A set that is not there; its value is finite and nobody's.
    fn push_zeros(&mut self) {
        let end = self.column.len() + self.width;
        self.column.resize(end, self.zeros);
        self.plus.resize(end, 0.0);
    }

    /// What to gather, and what to add where that is not 0 throughout.
    fn tensors(self, shape: [usize; 2], device: &Device, dtype: DType) -> (Tensor<2, Int>, Option<Tensor<2>>) {
        let plus = self.plus.iter().any(|plus| *plus != 0.0);
        let plus = plus.then(|| Tensor::from_data(TensorData::new(self.plus, shape), (device, dtype)));
        (Tensor::from_data(TensorData::new(self.column, shape), device), plus)
    }
}

impl Reduce {
    /// `[rows, sets, width]` to `[rows, sets]`.
    fn of(self, values: Tensor<3>) -> Tensor<2> {
        if values.dims()[2] == 1 {
            return values.squeeze_dim(2);
        }
        match self {
            Self::LogSumExp => log_sum_exp(values),
            Self::Max => values.max_dim(2).squeeze_dim(2),
            Self::Min => values.min_dim(2).squeeze_dim(2),
            Self::Sum => values.sum_dim(2).squeeze_dim(2),
        }
    }
}

/// About each set's own maximum, so that its mass does not underflow against the row's.
fn log_sum_exp(values: Tensor<3>) -> Tensor<2> {
    // The maximum cancels, and so does its gradient.
    let max = values.clone().max_dim(2).detach();
    // A set whose members are all masked has no maximum to take off and no gradient, only the value -inf. What it would
    // do to the gradient, 0 times infinity, must not reach the row's other sets.
    let masked = max.clone().equal_scalar(f64::NEG_INFINITY);
    let max = max.mask_fill(masked.clone(), 0.0);
    let sum = (values - max.clone()).exp().sum_dim(2);
    let sum = sum.mask_fill(masked.clone(), 1.0).log() + max;
    sum.mask_fill(masked, f64::NEG_INFINITY).squeeze_dim(2)
}
