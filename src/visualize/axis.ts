/** A mapping of data values to pixels along one side of a chart, with the ticks to draw. */
export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
  readonly log: boolean;
  /** Share of the way from `low` (0) to `high` (1). */
  share(value: number): number;
  /** What to print at a tick. */
  label(value: number): string;
}

/** How an axis is divided. */
export interface AxisOptions {
  /** About how many ticks there is room for. */
  ticks?: number;
  /** Logarithmic; values must be above 0. */
  log?: boolean;
  /** Extend the range to whole ticks at both ends. */
  nice?: boolean;
}

const UNITS = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

/** An axis over `low … high`; an empty or non-finite range becomes 0 … 1. */
export function makeAxis(low: number, high: number, { ticks = 6, log = false, nice = true }: AxisOptions = {}): Axis {
  if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = log ? [0.1, 1] : [0, 1];
  return log ? logAxis(low, high, ticks) : linearAxis(low, high, ticks, nice);
}

function linearAxis(low: number, high: number, count: number, nice: boolean): Axis {
  if (high === low) {
    const margin = Math.abs(low) * 0.1 || 1;
    [low, high] = [low - margin, high + margin];
  }
  const step = niceStep((high - low) / count);
  if (nice) [low, high] = [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step);
  return {
    low,
    high,
    ticks,
    log: false,
    share: (v) => (v - low) / (high - low),
    label: tickLabel(step, Math.max(Math.abs(low), Math.abs(high))),
  };
}

/** All ticks of an axis in one unit (0, 5k, 10k) and with the same number of decimals, as many as the step needs. */
function tickLabel(step: number, largest: number): (value: number) => string {
  const [unit, letter] = UNITS.find(([size]) => largest >= size && largest >= 10000) ?? [1, ''];
  const decimals = Math.max(0, -Math.floor(Math.log10(step / unit) + 1e-9));
  if (decimals > 5 || largest >= 1e15) return formatNumber;
  return (value) =>
    Math.abs(value) < step * 1e-6
      ? (0).toFixed(letter ? 0 : decimals)
      : `${withMinus((value / unit).toFixed(decimals))}${letter}`;
}

/** Ticks at 1, 2, 5 of each decade while there is room, else at the decades. */
function logAxis(low: number, high: number, count: number): Axis {
  if (high <= low * 1.0001) [low, high] = [low / 2, high * 2];
  const margin = (high / low) ** 0.03; // so that the extreme values do not lie on the frame
  [low, high] = [low / margin, high * margin];
  const decades = Math.log10(high / low);
  const digits = decades < 0.5 ? [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9] : decades * 3 <= count + 1 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / count));
  const ticks: number[] = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
    if (digits.length === 1 && e % every !== 0) continue;
    for (const digit of digits) {
      const tick = Number(`${digit}e${e}`); // from text: 1e-3 exactly, not 10 ** -3 with its rounding error
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  // Within a part of a decade there may be none of these: then as on a linear axis.
  if (ticks.length < 2)
    return {
      ...linearAxis(low, high, count, false),
      log: true,
      share: (v) => Math.log(v / low) / Math.log(high / low),
    };
  return { low, high, ticks, log: true, share: (v) => Math.log(v / low) / Math.log(high / low), label: formatNumber };
}

/** 1, 2 or 5 times a power of ten, at least `raw`. */
function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  const multiple = [1, 2, 5, 10].find((m) => m * power >= raw * 0.9999) ?? 10;
  return multiple * power;
}

/** A number in at most `digits` significant digits: 0.0123, 45.7, 12.3k, 3.2M, 4.1e−7. */
export function formatNumber(value: number, digits = 3): string {
  if (Number.isNaN(value)) return 'NaN';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (!Number.isFinite(size)) return value > 0 ? '∞' : '−∞';
  if (size >= 1e15 || size < 1e-4)
    return withMinus(
      value
        .toExponential(digits - 1)
        .replace(/\.?0+e/, 'e')
        .replace('e+', 'e'),
    );
  for (const [unit, letter] of UNITS) {
    if (size >= unit && size >= 10000) return `${withMinus(trim(value / unit, digits))}${letter}`;
  }
  return withMinus(size >= 1000 ? String(Math.round(value)) : trim(value, digits));
}

function trim(value: number, digits: number): string {
  return String(Number(value.toPrecision(digits)));
}

/** The typographic minus is as wide as a plus; the hyphen is not. */
function withMinus(text: string): string {
  return text.replaceAll('-', '−');
}
