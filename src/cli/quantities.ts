/** Numbers as people read them. */

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** Three digits and an SI prefix: `56.2 GFLOP` for 56.2e9 and the unit `FLOP`. */
export function formatCount(value: number, unit = ''): string {
  const power = value < 1 ? 0 : Math.min(PREFIXES.length - 1, Math.floor(Math.log10(value) / 3 + 1e-12));
  const scaled = value / 1000 ** power;
  const digits = scaled >= 100 || (power === 0 && Number.isInteger(value)) ? 0 : scaled >= 10 ? 1 : 2;
  return `${scaled.toFixed(digits)} ${PREFIXES[power]}${unit}`.trimEnd();
}

/** Memory in decimal units: `1.50 GB`. */
export function formatBytes(bytes: number): string {
  return formatCount(Math.max(0, Math.round(bytes)), 'B');
}

/** A share of 0 … 1: `62.5 %`. */
export function formatShare(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** A shape: `16x128x64`. */
export function formatShape(shape: readonly number[]): string {
  return shape.join('x');
}

/** `1 image`, `2 images`, `1,000 images`. */
export function plural(count: number, thing: string): string {
  return `${count.toLocaleString('en-US')} ${thing}${count === 1 ? '' : 's'}`;
}

/** The first few of a list of names, and how many more there are. */
export function shortList(names: readonly string[], most = 6): string {
  if (names.length <= most) return names.join(', ');
  return `${names.slice(0, most - 1).join(', ')} and ${names.length - most + 1} more`;
}
