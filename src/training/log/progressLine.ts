/** The text of a progress line. */

export interface ProgressState {
  label?: string;
  step: number;
  total: number;
  /** Shown in this order, by name. */
  values?: Record<string, number>;
  /** Units per second. */
  rate?: number;
  unit: string;
  /** 0 to 1. */
  dataWaitShare?: number;
  remainingSeconds?: number;
  /** At the end: shown in place of the remaining time. */
  tookSeconds?: number;
}

const BAR_WIDTH = 10;
/** One to seven eighths of a character's width. */
const EIGHTHS = ' ▏▎▍▌▋▊▉';

/** ` 37%|███▋      | 370/1000 · loss 0.0312 · 142 images/s · data wait 1.2% · ETA 1:23`; what is not known is left out. */
export function formatProgress(state: ProgressState): string {
  const { label, step, total, values = {}, rate, unit, dataWaitShare, remainingSeconds, tookSeconds } = state;
  const done = total > 0 ? Math.min(1, step / total) : 1;
  // Rounded down: 100 % is for what is done.
  const percent = String(Math.floor(100 * done)).padStart(3);
  const parts = [`${label ? `${label} ` : ''}${percent}%|${bar(done)}| ${step}/${total}`];
  for (const [name, value] of Object.entries(values)) parts.push(`${name} ${significant(value)}`);
  if (rate !== undefined) parts.push(`${rate >= 100 ? Math.round(rate) : significant(rate)} ${unit}/s`);
  if (dataWaitShare !== undefined) parts.push(`data wait ${(100 * dataWaitShare).toFixed(1)}%`);
  if (tookSeconds !== undefined) parts.push(`took ${formatDuration(tookSeconds)}`);
  else if (remainingSeconds !== undefined) parts.push(`ETA ${formatDuration(remainingSeconds)}`);
  return parts.join(' · ');
}

/** `1:23`, `2:05:00`, `3d 04:00:00`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  const two = (count: number) => String(count).padStart(2, '0');
  const tail = two(whole % 60);
  if (days > 0) return `${days}d ${two(hours)}:${two(minutes)}:${tail}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${tail}` : `${minutes}:${tail}`;
}

function bar(done: number): string {
  const eighths = Math.floor(done * BAR_WIDTH * 8);
  const full = '█'.repeat(Math.floor(eighths / 8));
  const partial = eighths % 8 > 0 ? EIGHTHS[eighths % 8] : '';
  return (full + partial).padEnd(BAR_WIDTH);
}

/** Three significant digits, without an exponent where that is readable. */
function significant(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size === 0) return String(value);
  if (size < 1e-4 || size >= 1e6) return value.toExponential(2);
  return size >= 100 ? value.toFixed(1) : value.toPrecision(3);
}
