/** Channels of a weight or bias for inputs with more or fewer of them. */

/** `[outer, from, inner]` → `[outer, to, inner]`: the channels that both have, then zeros or the mean of the old ones. */
export function resizeChannels(
  values: Float32Array,
  { outer, from, to, fill }: { outer: number; from: number; to: number; fill: 'zero' | 'mean' },
): Float32Array {
  if (from === to) return values;
  const inner = values.length / outer / from;
  const out = new Float32Array(outer * to * inner);
  for (let o = 0; o < outer; o++) {
    const old = values.subarray(o * from * inner, (o + 1) * from * inner);
    const next = out.subarray(o * to * inner, (o + 1) * to * inner);
    next.set(old.subarray(0, Math.min(from, to) * inner));
    if (fill === 'zero') continue;
    for (let at = from * inner; at < next.length; at++) {
      let sum = 0;
      for (let c = 0; c < from; c++) sum += old[c * inner + (at % inner)];
      next[at] = sum / from;
    }
  }
  return out;
}
