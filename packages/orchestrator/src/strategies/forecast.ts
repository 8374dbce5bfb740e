/**
 * Forecasts of a figure, by Holt's linear exponential smoothing: a level and a trend, each following what is seen. Pure.
 *
 *   level' = α·x + (1 − α)(level + trend)      trend' = β·(level' − level) + (1 − β)·trend      forecast(h) = level + h·trend
 *
 * (C. C. Holt, "Forecasting seasonals and trends by exponentially weighted moving averages", 1957.) The spread of a forecast is that
 * of the errors one step ahead, growing with the horizon as the variance of the model does: σ²·(1 + Σ_{j<h} (α(1 + jβ))²)
 * (R. J. Hyndman et al., "Forecasting with Exponential Smoothing", 2008, section 6.3).
 */

/** A forecast, `spread` being its standard deviation. */
export interface Forecast {
  readonly value: number;
  readonly spread: number;
}

const alpha = 0.5;
const beta = 0.3;

/** The figure `horizon` steps after the last one; of two figures at the least, each finite, oldest first. */
export function forecast(series: readonly number[], horizon: number): Forecast {
  const [first = 0, second = first] = series;
  let [level, trend] = [first, second - first];
  const errors: number[] = [];
  for (const seen of series.slice(1)) {
    const expected = level + trend;
    errors.push(seen - expected);
    const next = alpha * seen + (1 - alpha) * expected;
    trend = beta * (next - level) + (1 - beta) * trend;
    level = next;
  }
  // The first error is that of the start, which is nought by its making.
  const judged = errors.slice(1);
  const variance = judged.reduce((sum, error) => sum + error ** 2, 0) / Math.max(1, judged.length);
  const growth = Array.from(
    { length: Math.max(0, horizon - 1) },
    (_, j) => (alpha * (1 + (j + 1) * beta)) ** 2,
  );
  const spread = Math.sqrt(variance * growth.reduce((sum, part) => sum + part, 1));
  return { value: level + horizon * trend, spread };
}

/** How sure it is, from 0 to 1, that the figure will be above a target; a forecast without spread is sure. */
export function confidenceAbove({ spread, value }: Forecast, target: number): number {
  if (spread <= 1e-12 * Math.max(1, Math.abs(value))) return value > target ? 1 : 0;
  return normalBelow((value - target) / spread);
}

/** The standard normal distribution function, to 7.5e-8 (Abramowitz and Stegun, 26.2.17). */
function normalBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const terms = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const tail = terms.reduce((sum, term, i) => sum + term * t ** (i + 1), 0);
  const upper = (Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI)) * tail;
  return z >= 0 ? 1 - upper : upper;
}
