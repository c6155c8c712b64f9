//! Exponential, logarithm and general power, to any number of digits.
