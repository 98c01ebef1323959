/**
 * Top-k for the WebGPU provider of ONNX Runtime 1.30: its TopK kernel gives indices in int64, for which it has no other
 * kernel. So the largest value is taken k times: found, its first place looked up in floats, and taken out.
 */
import type { Emitter } from '../emitter.js';
import type { Node } from '../tensor.js';

/** Lowers values and indices of the k largest of the last axis; of equal values the first comes first. */
export function lowerTopK(emit: Emitter, node: Node, k: number): void {
  const [x] = node.inputs;
  const [values, indices] = node.outputs.map((t) => emit.name(t));
  const size = x.shape[x.rank - 1];
  const places = emit.constant(
    Float32Array.from({ length: size }, (_, i) => i),
    { shape: [size], dtype: 'f32' },
  );
  const axes = emit.int64([-1]);
  const [largest, at]: [string[], string[]] = [[], []];
  let rest = emit.name(x);
  for (let i = 0; i < k; i++) {
    largest.push(emit.node('ReduceMax', [rest, axes], { keepdims: 1 }));
    const reaches = emit.node('GreaterOrEqual', [rest, largest[i]]);
    const candidates = emit.node('Where', [reaches, places, emit.float(size)]);
    at.push(emit.node('ReduceMin', [candidates, axes], { keepdims: 1 }));
    if (i + 1 < k) {
      const taken = emit.node('Equal', [places, at[i]]);
      rest = emit.node('Where', [taken, emit.float(Number.NEGATIVE_INFINITY, x.dtype), rest]);
    }
  }
  if (emit.isUsed(node, 0)) emit.node('Concat', largest, { axis: -1 }, values);
  emit.node('Cast', [emit.node('Concat', at, { axis: -1 })], { to: 6 }, indices);
}
