/**
 * Schedules as pure functions of the step, so that a resumed run continues where it stopped by construction. Steps
 * may be fractional and of any unit (optimiser steps or epochs), as long as one schedule keeps to one unit.
 */
import { ensure } from '../errors/index.js';

/** The value (learning rate, temperature, weight) at a step counted from 0. */
export type Schedule = (step: number) => number;

/** The same value at every step. */
export function constant(value: number): Schedule {
  checkFinite('constant', { value });
  return () => value;
}

/**
 * Linear warm-up from 0 (`base * step / warmup`), then half a cosine from `base` at `warmup` to `min` at `total`:
 * the schedule of MAE, called there with fractional epochs.
 *
 * Past `total` it follows the cosine, which rises again, as MAE's does: end training at `total`.
 */
export function warmupCosine({
  base,
  min = 0,
  warmup = 0,
  total,
}: {
  base: number;
  min?: number;
  warmup?: number;
  total: number;
}): Schedule {
  checkFinite('warmupCosine', { base, min, warmup, total });
  checkWarmup('warmupCosine', warmup, total);
  return (step) => (step < warmup ? (base * step) / warmup : halfCosine(base, min, (step - warmup) / (total - warmup)));
}

/**
 * timm's `CosineLRScheduler` with one cycle: linear from `warmupInit` to `base` over `warmup`, then the cosine read
 * at `step` over `total`, not at `step - warmup`: the value jumps down where warm-up ends. `min` from `total` on.
 */
export function timmCosine({
  base,
  min = 0,
  warmup = 0,
  warmupInit = 0,
  total,
}: {
  base: number;
  min?: number;
  warmup?: number;
  warmupInit?: number;
  total: number;
}): Schedule {
  checkFinite('timmCosine', { base, min, warmup, warmupInit, total });
  checkWarmup('timmCosine', warmup, total);
  return (step) => {
    if (step < warmup) return warmupInit + ((base - warmupInit) * step) / warmup;
    return step < total ? halfCosine(base, min, step / total) : min;
  };
}

/** VATT's fine-tuning schedule: linear from `warmupInit` to `base` over `warmup`, half a cosine to 0 at `total`, then 0. */
export function vattCosine({
  base,
  warmup = 0,
  warmupInit = 0,
  total,
}: {
  base: number;
  warmup?: number;
  warmupInit?: number;
  total: number;
}): Schedule {
  checkFinite('vattCosine', { base, warmup, warmupInit, total });
  checkWarmup('vattCosine', warmup, total);
  return (step) => {
    if (step < warmup) return warmupInit + ((base - warmupInit) * step) / warmup;
    return halfCosine(base, 0, Math.min((step - warmup) / (total - warmup), 1));
  };
}

/**
 * VATT's pre-training schedule: linear from 0 to `levels[0]` over `warmup`, then half a cosine from `levels[i]` at
 * `steps[i]` to `levels[i + 1]` at `steps[i + 1]`; the last level holds to the end.
 */
export function vattStepwise({
  levels,
  steps,
  warmup = 0,
}: {
  levels: readonly number[];
  steps: readonly number[];
  warmup?: number;
}): Schedule {
  ensure(
    levels.length > 0 && levels.length === steps.length,
    () => `vattStepwise needs one step for each level, not ${levels.length} levels and ${steps.length} steps.`,
  );
  checkFinite('vattStepwise', { warmup, ...Object.fromEntries(levels.map((level, i) => [`levels[${i}]`, level])) });
  ensure(
    warmup >= 0 && steps.every((step, i) => step >= (i === 0 ? warmup : steps[i - 1])),
    () => `vattStepwise: steps [${steps.join(', ')}] must rise and begin at or after the warm-up of ${warmup}.`,
  );
  return (step) => {
    if (step < warmup) return (levels[0] * step) / warmup;
    if (step < steps[0]) return levels[0];
    const next = steps.findIndex((at) => at > step);
    if (next < 0) return levels[levels.length - 1];
    return halfCosine(levels[next - 1], levels[next], (step - steps[next - 1]) / (steps[next] - steps[next - 1]));
  };
}

/**
 * Half a cosine from `start` to `target` over `total` steps, after `delay` steps at `start`; `target` from then on.
 * Anneals temperatures and loss weights, upwards as well (Point-BERT's dVAE).
 */
export function cosineAnneal({
  start,
  target,
  total,
  delay = 0,
}: {
  start: number;
  target: number;
  total: number;
  delay?: number;
}): Schedule {
  checkFinite('cosineAnneal', { start, target, total, delay });
  ensure(total > 0, () => `cosineAnneal: total is ${total} but must be above 0.`);
  return (step) => halfCosine(start, target, Math.min(Math.max((step - delay) / total, 0), 1));
}

/** From `from` at `progress` 0 to `to` at `progress` 1 along half a cosine. */
function halfCosine(from: number, to: number, progress: number): number {
  return to + (from - to) * 0.5 * (1 + Math.cos(Math.PI * progress));
}

function checkWarmup(schedule: string, warmup: number, total: number): void {
  ensure(
    warmup >= 0 && total > warmup,
    () =>
      `${schedule}: the warm-up of ${warmup} must end before total, ${total}; shorten the warm-up or train for longer.`,
  );
}

function checkFinite(schedule: string, values: Record<string, number>): void {
  for (const [name, value] of Object.entries(values)) {
    ensure(Number.isFinite(value), () => `${schedule}: ${name} is ${value} but must be a finite number.`);
  }
}
