//! Arithmetic on measurements.

/// Returns the value below which a share of all values lies.
pub(crate) fn percentile(values: &mut [u64], share: f64) -> u64 {
    values.sort_unstable();
    let at = (values.len().saturating_sub(1) as f64 * share).round() as usize;
    values.get(at).copied().unwrap_or_default()
}

/// Returns the middle value.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Returns the exponent of the power of x that fits best: the slope on two logarithmic axes.
pub(crate) fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let covariance: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    covariance / variance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_what_they_are_called() {
        assert_eq!(percentile(&mut [5, 1, 4, 2, 3], 0.5), 3);
        assert_eq!(percentile(&mut (0..=100).collect::<Vec<_>>(), 0.99), 99);
        assert_eq!(percentile(&mut [], 0.99), 0);
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        let square: Vec<_> = (1..9).map(|x| (f64::from(x), 7.0 * f64::from(x * x))).collect();
        assert!((exponent(&square) - 2.0).abs() < 1e-9);
    }
}
