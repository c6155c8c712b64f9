//! Sums of powers: means, variances and regressions.
//!
//! Floating point follows Youngs and Cramer, as PostgreSQL does: the sum of squared deviations is
//! kept up to date row by row, so that numbers far from zero do not cancel each other's digits.
//! Exact numbers need no such care: N·Σx² − (Σx)² is exact, and divided once.

use value::Decimal;

use super::aggregate::{Aggregate, Spread, of_pair};
use super::names::*;
use super::{float, numeric};
use crate::{Datum, Result};

/// Count, sum, and sum of squared deviations.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    pub(super) fn add(&mut self, n: f64) -> Result<()> {
        let before = *self;
        self.count += 1.0;
        self.sum += n;
        if before.count > 0.0 {
            let gap = n * self.count - self.sum;
            self.squares += gap * gap / (self.count * before.count);
            if self.sum.is_infinite() || self.squares.is_infinite() {
                if before.sum.is_finite() && n.is_finite() {
                    return Err(float::overflow());
                }
                self.squares = f64::NAN;
            }
        } else if !n.is_finite() {
            self.squares = f64::NAN;
        }
        Ok(())
    }

    pub(super) fn mean(&self) -> f64 {
        self.sum / self.count
    }

    pub(super) fn spread<'a>(&self, which: Spread) -> Datum<'a> {
        let divisor = if which.population { self.count } else { self.count - 1.0 };
        if divisor <= 0.0 {
            return Datum::Null;
        }
        let variance = self.squares / divisor;
        Datum::Float(if which.root { variance.sqrt() } else { variance })
    }
}

/// Count and exact sums of the number and its square.
#[derive(Debug, Clone)]
pub(super) struct Powers {
    count: i64,
    sum: Decimal,
    squares: Decimal,
}

impl Default for Powers {
    fn default() -> Self {
        Powers { count: 0, sum: Decimal::ZERO, squares: Decimal::ZERO }
    }
}

impl Powers {
    pub(super) fn add(&mut self, n: &Decimal) -> Result<()> {
        self.count += 1;
        self.sum = self.sum.add(n).map_err(numeric::failed)?;
        let square = n.mul(n).map_err(numeric::failed)?;
        self.squares = self.squares.add(&square).map_err(numeric::failed)?;
        Ok(())
    }

    pub(super) fn spread(&self, which: Spread) -> Result<Option<Decimal>> {
        if self.count == 0 || !which.population && self.count < 2 {
            return Ok(None);
        }
        if !self.sum.is_finite() {
            return Ok(Some(Decimal::NAN));
        }
        let n = numeric::from_int(self.count);
        let part = |a: &Decimal, b: &Decimal| a.mul(b).map_err(numeric::failed);
        let square_of_sum = part(&self.sum, &self.sum)?;
        let deviation = part(&n, &self.squares)?.sub(&square_of_sum).map_err(numeric::failed)?;
        if deviation.signum() != Some(1) {
            return Ok(Some(Decimal::ZERO));
        }
        let degrees = numeric::from_int(if which.population { self.count } else { self.count - 1 });
        let divisor = part(&n, &degrees)?;
        let scale = numeric::quotient_scale(&deviation, &divisor);
        let variance = deviation.div(&divisor, scale).map_err(numeric::failed)?;
        if !which.root {
            return Ok(Some(variance));
        }
        variance.sqrt(scale).map(Some).map_err(numeric::failed)
    }
}

/// Moments of pairs (y, x).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PairMoments {
    count: f64,
    sum_x: f64,
    squares_x: f64,
    sum_y: f64,
    squares_y: f64,
    products: f64,
}

/// Which function of the pairs' moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PairResult {
    Count,
    Correlation,
    CovariancePopulation,
    CovarianceSample,
    AverageX,
    AverageY,
    SquaresX,
    SquaresY,
    Products,
    Slope,
    Intercept,
    Determination,
}

impl PairResult {
    /// The answer where no pair was seen.
    pub(super) fn of_nothing<'a>(self) -> Datum<'a> {
        if self == PairResult::Count { Datum::Int(0) } else { Datum::Null }
    }
}

impl PairMoments {
    pub(super) fn add(&mut self, y: f64, x: f64) -> Result<()> {
        let before = *self;
        self.count += 1.0;
        self.sum_x += x;
        self.sum_y += y;
        if before.count > 0.0 {
            let gap_x = x * self.count - self.sum_x;
            let gap_y = y * self.count - self.sum_y;
            let scale = 1.0 / (self.count * before.count);
            self.squares_x += gap_x * gap_x * scale;
            self.squares_y += gap_y * gap_y * scale;
            self.products += gap_x * gap_y * scale;
            let all = [self.squares_x, self.squares_y, self.products, self.sum_x, self.sum_y];
            let finite = [before.sum_x, before.sum_y, x, y].iter().all(|n| n.is_finite());
            if finite && all.iter().any(|n| n.is_infinite()) {
                return Err(float::overflow());
            }
        }
        if !x.is_finite() {
            (self.squares_x, self.products) = (f64::NAN, f64::NAN);
        }
        if !y.is_finite() {
            (self.squares_y, self.products) = (f64::NAN, f64::NAN);
        }
        Ok(())
    }

    pub(super) fn result<'a>(&self, which: PairResult) -> Datum<'a> {
        use PairResult::*;
        let flat_x = self.squares_x == 0.0;
        let flat_y = self.squares_y == 0.0;
        Datum::Float(match which {
            Count => return Datum::Int(self.count as i64),
            Correlation if flat_x || flat_y => return Datum::Null,
            Correlation => self.products / (self.squares_x * self.squares_y).sqrt(),
            CovariancePopulation => self.products / self.count,
            CovarianceSample if self.count < 2.0 => return Datum::Null,
            CovarianceSample => self.products / (self.count - 1.0),
            AverageX => self.sum_x / self.count,
            AverageY => self.sum_y / self.count,
            SquaresX => self.squares_x,
            SquaresY => self.squares_y,
            Products => self.products,
            Slope | Intercept | Determination if flat_x => return Datum::Null,
            Slope => self.products / self.squares_x,
            Intercept => (self.sum_y - self.sum_x * self.products / self.squares_x) / self.count,
            Determination if flat_y => 1.0,
            Determination => self.products * self.products / (self.squares_x * self.squares_y),
        })
    }
}

pub(super) static PAIRS: &[Aggregate] = &[
    of_pair("sql.regr_count", "regr_count", INT8, PairResult::Count),
    of_pair("sql.corr", "corr", FLOAT8, PairResult::Correlation),
    of_pair("sql.covar_pop", "covar_pop", FLOAT8, PairResult::CovariancePopulation),
    of_pair("sql.covar_samp", "covar_samp", FLOAT8, PairResult::CovarianceSample),
    of_pair("sql.regr_avgx", "regr_avgx", FLOAT8, PairResult::AverageX),
    of_pair("sql.regr_avgy", "regr_avgy", FLOAT8, PairResult::AverageY),
    of_pair("sql.regr_sxx", "regr_sxx", FLOAT8, PairResult::SquaresX),
    of_pair("sql.regr_syy", "regr_syy", FLOAT8, PairResult::SquaresY),
    of_pair("sql.regr_sxy", "regr_sxy", FLOAT8, PairResult::Products),
    of_pair("sql.regr_slope", "regr_slope", FLOAT8, PairResult::Slope),
    of_pair("sql.regr_intercept", "regr_intercept", FLOAT8, PairResult::Intercept),
    of_pair("sql.regr_r2", "regr_r2", FLOAT8, PairResult::Determination),
];
