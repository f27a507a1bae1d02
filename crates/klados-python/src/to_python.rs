//! What the core computes, as Python's objects: structs are dicts, numbers keep infinity and NaN, which JSON has not.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde::Serialize;
use serde::ser::{self, Serializer};

/// A value as Python's object.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    value.serialize(ToPython(py)).map_err(|Failed(reason)| reason)
}

#[derive(Clone, Copy)]
struct ToPython<'py>(Python<'py>);

/// Python's error, as serde wants it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(PyErr);

impl From<PyErr> for Failed {
    fn from(reason: PyErr) -> Self {
        Self(reason)
    }
}

impl ser::Error for Failed {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(crate::error::value(message.to_string()))
    }
}

/// The entries of a list.
struct Entries<'py>(Bound<'py, PyList>);

/// The fields of a struct or a map, and the key whose value is next.
struct Fields<'py>(Bound<'py, PyDict>, Option<Bound<'py, PyAny>>);

/// What is inside of a variant of an enum, and the variant's name.
struct Inside<T>(T, &'static str);

type Object<'py> = Result<Bound<'py, PyAny>, Failed>;

fn named<'py>(py: Python<'py>, name: &str, value: impl IntoPyObject<'py>) -> Object<'py> {
    let dict = PyDict::new(py);
    dict.set_item(name, value)?;
    Ok(dict.into_any())
}

macro_rules! plain {
    ($($method:ident: $type:ty),*) => {$(
        fn $method(self, value: $type) -> Object<'py> {
            Ok(value.into_pyobject(self.0).map_err(PyErr::from)?.to_owned().into_any())
        }
    )*};
}

impl<'py> Serializer for ToPython<'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Failed;
    type SerializeSeq = Entries<'py>;
    type SerializeTuple = Entries<'py>;
    type SerializeTupleStruct = Entries<'py>;
    type SerializeTupleVariant = Inside<Entries<'py>>;
    type SerializeMap = Fields<'py>;
    type SerializeStruct = Fields<'py>;
    type SerializeStructVariant = Inside<Fields<'py>>;

    plain!(serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
           serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_f32: f32,
           serialize_f64: f64, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8]);

    fn serialize_none(self) -> Object<'py> {
        Ok(self.0.None().into_bound(self.0))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Object<'py> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Object<'py> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Object<'py> {
        self.serialize_none()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Object<'py> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Object<'py> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Object<'py> {
        named(self.0, variant, value.serialize(self)?)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Entries<'py>, Failed> {
        Ok(Entries(PyList::empty(self.0)))
    }

    fn serialize_tuple(self, length: usize) -> Result<Entries<'py>, Failed> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Entries<'py>, Failed> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Inside<Entries<'py>>, Failed> {
        Ok(Inside(self.serialize_seq(Some(length))?, variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields<'py>, Failed> {
        Ok(Fields(PyDict::new(self.0), None))
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Fields<'py>, Failed> {
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Inside<Fields<'py>>, Failed> {
        Ok(Inside(self.serialize_map(Some(length))?, variant))
    }
}

impl<'py> Entries<'py> {
    fn add<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Failed> {
        Ok(self.0.append(value.serialize(ToPython(self.0.py()))?)?)
    }
}

impl Fields<'_> {
    fn add<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), Failed> {
        Ok(self.0.set_item(key, value.serialize(ToPython(self.0.py()))?)?)
    }
}

macro_rules! sequences {
    ($($trait:ident: $method:ident),*) => {$(
        impl<'py> ser::$trait for Entries<'py> {
            type Ok = Bound<'py, PyAny>;
            type Error = Failed;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
                self.add(value)
            }

            fn end(self) -> Object<'py> {
                Ok(self.0.into_any())
            }
        }
    )*};
}
sequences!(SerializeSeq: serialize_element, SerializeTuple: serialize_element, SerializeTupleStruct: serialize_field);

impl<'py> ser::SerializeTupleVariant for Inside<Entries<'py>> {
    type Ok = Bound<'py, PyAny>;
    type Error = Failed;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        self.0.add(value)
    }

    fn end(self) -> Object<'py> {
        named(self.0.0.py(), self.1, self.0.0)
    }
}

impl<'py> ser::SerializeMap for Fields<'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Failed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failed> {
        self.1 = Some(key.serialize(ToPython(self.0.py()))?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        let value = value.serialize(ToPython(self.0.py()))?;
        Ok(self.0.set_item(self.1.take(), value)?)
    }

    fn end(self) -> Object<'py> {
        Ok(self.0.into_any())
    }
}

impl<'py> ser::SerializeStruct for Fields<'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Failed;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Failed> {
        self.add(key, value)
    }

    fn end(self) -> Object<'py> {
        Ok(self.0.into_any())
    }
}

impl<'py> ser::SerializeStructVariant for Inside<Fields<'py>> {
    type Ok = Bound<'py, PyAny>;
    type Error = Failed;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Failed> {
        self.0.add(key, value)
    }

    fn end(self) -> Object<'py> {
        named(self.0.0.py(), self.1, self.0.0)
    }
}
