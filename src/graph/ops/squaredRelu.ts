/** The squared rectifier: an operator of its own, because its gradient needs no comparison. */
import { applyAll, defineOperator, emptyValues, type Tensor } from '../tensor.js';

const squaredReluOperator = defineOperator<object>({
  name: 'squaredRelu',
  infer: ([x]) => [x, x],
  evaluate: ([x], _, node) => {
    const [square, positive] = node.outputs.map(emptyValues);
    for (let i = 0; i < x.length; i++) {
      positive[i] = Math.max(x[i], 0);
      square[i] = positive[i] ** 2;
    }
    return [square, positive];
  },
  gradient: ({ inputs: [x], outputs: [, positive], gradients: [gSquare, gPositive] }) => {
    // 2·max(x, 0) is zero by itself wherever x is not positive. The factor goes into the product that made the gradient.
    const parts = [gSquare?.mul(2).mul(positive), gPositive && x.greater(0).where(gPositive, 0)];
    return [parts.filter((p) => p !== undefined).reduce((a, b) => a.add(b))];
  },
  lower: (emit, node) => {
    const [square, positive] = node.outputs.map((t) => emit.name(t));
    emit.node('Relu', [emit.name(node.inputs[0])], {}, positive);
    if (emit.isUsed(node, 0)) emit.node('Mul', [positive, positive], {}, square);
  },
});

/** max(x, 0)², element by element (Primer, arXiv 2109.08668). */
export function squaredRelu(x: Tensor): Tensor {
  return applyAll(squaredReluOperator, [x], {})[0];
}
