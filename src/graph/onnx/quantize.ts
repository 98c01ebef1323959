/**
 * Dynamic quantisation of a lowered graph: large weight matrices become int8 with a scale for each output channel, and what
 * they are multiplied with becomes uint8 while the model runs, with a scale and zero point of its own at each run
 * (`DynamicQuantizeLinear`, `MatMulInteger`). Sums are exact integers; everything else stays float32.
 */
import { ELEMENT_TYPES, type OnnxGraph, type OnnxNode, type OnnxTensor } from './model.js';

/** Matrices below this many weights, or with fewer inner terms, gain nothing and lose digits. */
const SMALLEST = { weights: 4096, inner: 16 };

/** The graph with int8 weights, and how much of it that is. */
export interface Quantized {
  graph: OnnxGraph;
  /** Products that are computed in integers. */
  products: number;
  /** Weights that are stored as int8. */
  weights: number;
}

interface Product {
  node: OnnxNode;
  weight: OnnxTensor;
  /** Whether the graph multiplies with the weight's transpose. */
  transposed: boolean;
}

/**
 * Quantises the products of activations with weight matrices. The first layer (which reads the raw signal) and the last
 * (whose sums are the answer) stay in float32, as do small matrices, tables, and products of activations with each other.
 * Takes portable graphs: standard operators alone.
 */
export function quantizeWeights(graph: OnnxGraph): Quantized {
  const products = findProducts(graph);
  const nodes: OnnxNode[] = [];
  const added = new Map<string, OnnxTensor>();
  const activations = new Map<string, string[]>();
  const emit = (type: string, inputs: string[], outputs: string[], attributes: OnnxNode['attributes'] = {}) =>
    void nodes.push({ type, inputs, outputs, attributes, domain: '' });
  let weights = 0;
  for (const node of graph.nodes) {
    const product = products.get(node);
    if (!product) {
      nodes.push(node);
      continue;
    }
    const { weight, transposed } = product;
    const [x, out] = [node.inputs[0], node.outputs[0]];
    const [matrix, scales] = [`${weight.name}.int8${transposed ? '.transposed' : ''}`, `${weight.name}.scales`];
    if (!added.has(matrix)) {
      weights += weight.data.length;
      for (const tensor of quantized(product, matrix, scales)) added.set(tensor.name, tensor);
    }
    // Queries, keys and values read the same activations.
    let activation = activations.get(x);
    if (!activation) {
      activation = [`${x}.uint8`, `${x}.scale`, `${x}.zero`];
      activations.set(x, activation);
      emit('DynamicQuantizeLinear', [x], activation);
    }
    const [values, scale, zero] = activation;
    emit('MatMulInteger', [values, matrix, zero], [`${out}.int32`]);
    emit('Cast', [`${out}.int32`], [`${out}.unscaled`], { to: ELEMENT_TYPES.f32 });
    emit('Mul', [scale, scales], [`${out}.scale_product`]);
    emit('Mul', [`${out}.unscaled`, `${out}.scale_product`], [out]);
  }
  return {
    graph: withoutUnused({ ...graph, nodes, initializers: [...graph.initializers, ...added.values()] }),
    products: products.size,
    weights,
  };
}

/** The products to quantise, by their nodes. */
function findProducts(graph: OnnxGraph): Map<OnnxNode, Product> {
  const initializers = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  const fixed = new Set(initializers.keys());
  for (const node of graph.nodes) {
    if (node.inputs.every((name) => fixed.has(name))) for (const name of node.outputs) fixed.add(name);
  }
  /** Follows a value back while only one of the operands varies; the value where that ends. */
  const origin = (value: string): string => {
    const node = producers.get(value);
    const varying = node?.inputs.filter((name) => !fixed.has(name)) ?? [];
    return node && node.type !== 'MatMul' && varying.length === 1 ? origin(varying[0]) : value;
  };
  const signals = new Set(graph.inputs.map(([name]) => name));
  const last = new Set(graph.outputs.map(([name]) => origin(name)));
  const found = new Map<OnnxNode, Product>();
  for (const node of graph.nodes) {
    if (node.type !== 'MatMul') continue;
    const [x, w] = node.inputs;
    const turned = producers.get(w);
    const transposed = turned?.type === 'Transpose' && initializers.has(turned.inputs[0]);
    const weight = initializers.get(transposed ? turned.inputs[0] : w);
    if (fixed.has(x) || !weight || !isLarge(weight, transposed)) continue;
    if (last.has(node.outputs[0]) || signals.has(origin(x))) continue;
    found.set(node, { node, weight, transposed });
  }
  return found;
}

function isLarge({ shape, elementType, data }: OnnxTensor, transposed: boolean): boolean {
  const inner = shape[transposed ? 1 : 0];
  return (
    shape.length === 2 &&
    elementType === ELEMENT_TYPES.f32 &&
    data.length >= SMALLEST.weights &&
    inner >= SMALLEST.inner
  );
}

/** The matrix `[inner, columns]` as int8, symmetric about zero, and the scale of each column. */
function quantized({ weight, transposed }: Product, matrix: string, scales: string): OnnxTensor[] {
  const [inner, columns] = transposed ? [...weight.shape].reverse() : weight.shape;
  const values = weight.data as Float32Array;
  const [rowStep, columnStep] = transposed ? [1, inner] : [columns, 1];
  const out = new Int8Array(inner * columns);
  const scale = new Float32Array(columns);
  for (let j = 0; j < columns; j++) {
    let largest = 0;
    for (let i = 0; i < inner; i++) largest = Math.max(largest, Math.abs(values[i * rowStep + j * columnStep]));
    scale[j] = largest / 127 || 1;
    for (let i = 0; i < inner; i++) out[i * columns + j] = Math.round(values[i * rowStep + j * columnStep] / scale[j]);
  }
  return [
    { name: matrix, shape: [inner, columns], elementType: ELEMENT_TYPES.i8, data: out },
    { name: scales, shape: [columns], elementType: ELEMENT_TYPES.f32, data: scale },
  ];
}

/** Without the nodes and constants that no output needs any more. */
function withoutUnused(graph: OnnxGraph): OnnxGraph {
  const needed = new Set(graph.outputs.map(([name]) => name));
  const nodes = graph.nodes
    .toReversed()
    .filter(({ inputs, outputs }) => {
      const wanted = outputs.some((name) => needed.has(name));
      if (wanted) for (const name of inputs) needed.add(name);
      return wanted;
    })
    .reverse();
  return { ...graph, nodes, initializers: graph.initializers.filter(({ name }) => needed.has(name)) };
}
