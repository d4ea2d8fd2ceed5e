// Numbers of several rounds: medians, spread, and how they are written.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** {median, low, high} of the numbers among the values; null when there is none. */
export function spread(values) {
  const numbers = values.filter((value) => Number.isFinite(value));
  if (numbers.length === 0) return null;
  return { median: median(numbers), low: Math.min(...numbers), high: Math.max(...numbers) };
}

/** Round by round, so that both sides of each ratio saw the same minute of the machine. */
export function ratios(mine, theirs) {
  return spread(mine.map((value, round) => value / theirs[round]));
}

export function format(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1_000) {
    const unit = 10 ** Math.max(0, Math.floor(Math.log10(size)) - 2);
    return (Math.round(value / unit) * unit).toLocaleString('en-US');
  }
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function formatSpread(found) {
  if (!found) return '–';
  return found.low === found.high ? format(found.median) : `${format(found.median)} (${format(found.low)} – ${format(found.high)})`;
}
