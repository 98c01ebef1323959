/**
 * The Gaussian error linear unit: an operator of its own, so that of all that its formula goes through only x is kept, and its
 * gradient is computed in pieces that stay in the caches.
 */
import { apply, defineOperator, emptyValues, scalar, type Tensor } from '../tensor.js';
import { erfOf } from './elementwise.js';
import { concat } from './layout.js';

const geluOperator = defineOperator<object>({
  name: 'gelu',
  infer: ([x]) => [x],
  evaluate: ([x], _, node) => {
    const out = emptyValues(node.outputs[0]);
    for (let i = 0; i < out.length; i++) out[i] = 0.5 * x[i] * (1 + erfOf(x[i] / Math.SQRT2));
    return [out];
  },
  // Halved before it is cut: a gradient that comes out of a product takes the factor from there.
  gradient: ({ inputs: [x], gradients: [g] }) => [inPieces(x, g!.mul(0.5), slopeTimes)],
  // The pattern that ONNX Runtime fuses into one kernel.
  lower: (emit, node) => {
    const x = emit.name(node.inputs[0]);
    const { dtype } = node.inputs[0];
    const scaled = emit.node('Div', [x, emit.float(Math.SQRT2, dtype)]);
    const share = emit.node('Add', [emit.node('Erf', [scaled]), emit.float(1, dtype)]);
    const half = emit.node('Mul', [x, emit.float(0.5, dtype)]);
    emit.node('Mul', [half, share], {}, emit.name(node.outputs[0]));
  },
});

/** x·Φ(x), element by element (Hendrycks & Gimpel 2016, arXiv 1606.08415). */
export function gelu(x: Tensor): Tensor {
  return apply(geluOperator, [x], {});
}

const LOG_FACTOR = Math.log(2 / Math.sqrt(Math.PI));

/**
 * 2·h·(Φ(x) + x·φ(x)), with Φ and φ of the normal distribution: h·(1 + erf(u) + 2/√π·u·exp(-u²)) for u = x/√2. The factor
 * 2/√π stands in the exponent, where it costs no pass of its own.
 */
function slopeTimes(x: Tensor, h: Tensor): Tensor {
  const u = x.mul(Math.SQRT1_2);
  const density = scalar(LOG_FACTOR, x.dtype).sub(u.mul(u)).exp().mul(u);
  return u.erf().add(density).add(1).mul(h);
}

/** Bytes of a piece: with the few values that are alive at a time, what the second-level caches of two cores hold. */
const PIECE_BYTES = 2 ** 20;
/** Fewer pieces than this are not worth the copies that they cost. */
const FEWEST_PIECES = 4;

/** `f` on equal rows of x and g `[..., C]`, few at a time where they are many: ten passes over memory become three. */
function inPieces(x: Tensor, g: Tensor, f: (x: Tensor, g: Tensor) => Tensor): Tensor {
  const channels = x.shape[x.rank - 1] ?? 1;
  const rows = x.size / channels;
  const count = Math.min(rows, Math.floor((4 * x.size) / PIECE_BYTES));
  if (count < FEWEST_PIECES) return f(x, g);
  const until = (i: number) => Math.floor((i * rows) / count);
  const sizes = Array.from({ length: count }, (_, i) => until(i + 1) - until(i));
  const [xs, gs] = [x, g].map((t) => t.reshape([rows, channels]).split(sizes, 0));
  return concat(
    xs.map((piece, i) => f(piece, gs[i])),
    0,
  ).reshape(x.shape);
}
