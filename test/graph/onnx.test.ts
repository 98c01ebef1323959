/** The ONNX file: its structure read back field by field, and what each target is given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constant, Graph, gradients, input, layerNorm, optimize, type Target, toOnnx } from '../../src/graph/index.js';
import { type ProtoField, readFields } from '../../src/protobuf/index.js';

interface FileNode {
  type: string;
  domain: string;
  inputs: string[];
  outputs: string[];
  attributes: Map<string, Map<number, ProtoField[]>>;
}

const byNumber = (fields: Iterable<ProtoField>): Map<number, ProtoField[]> => {
  const all = new Map<number, ProtoField[]>();
  for (const field of fields) all.set(field.number, [...(all.get(field.number) ?? []), field]);
  return all;
};

/** Field numbers as in onnx.proto: ModelProto, GraphProto, NodeProto, ValueInfoProto, TensorProto. */
function readModel(bytes: Uint8Array) {
  const model = byNumber(readFields(bytes));
  const graph = byNumber(model.get(7)![0].message());
  const strings = (fields: ProtoField[] | undefined) => (fields ?? []).map((f) => f.string());
  const valueInfo = (field: ProtoField) => {
    const info = byNumber(field.message());
    const tensor = byNumber(byNumber(info.get(2)![0].message()).get(1)![0].message());
    const dims = [...(tensor.get(2)?.[0].message() ?? [])].map((dim) => byNumber(dim.message()).get(1)![0].int64());
    return { name: info.get(1)![0].string(), elementType: tensor.get(1)![0].uint(), shape: dims };
  };
  const nodes: FileNode[] = (graph.get(1) ?? []).map((field) => {
    const node = byNumber(field.message());
    const attributes = new Map(
      (node.get(5) ?? []).map((a) => {
        const one = byNumber(a.message());
        return [one.get(1)![0].string(), one];
      }),
    );
    return {
      type: strings(node.get(4))[0],
      domain: strings(node.get(7))[0] ?? '',
      inputs: strings(node.get(1)),
      outputs: strings(node.get(2)),
      attributes,
    };
  });
  const initializers = (graph.get(5) ?? []).map((field) => {
    const tensor = byNumber(field.message());
    return {
      name: tensor.get(8)![0].string(),
      shape: (tensor.get(1) ?? []).flatMap((f) => f.ints()),
      elementType: tensor.get(2)![0].uint(),
      bytes: tensor.get(9)![0].bytes(),
    };
  });
  const pairs = (fields: ProtoField[] | undefined) => (fields ?? []).map((f) => byNumber(f.message()));
  return {
    irVersion: model.get(1)![0].int64(),
    producer: model.get(2)![0].string(),
    opsets: pairs(model.get(8)).map((o) => [o.get(1)?.[0].string() ?? '', o.get(2)![0].int64()]),
    metadata: pairs(model.get(14)).map((p) => [p.get(1)![0].string(), p.get(2)![0].string()]),
    nodes,
    initializers,
    inputs: (graph.get(11) ?? []).map(valueInfo),
    outputs: (graph.get(12) ?? []).map(valueInfo),
  };
}

const x = input('x', [2, 3]);
const w = input('w', [4, 3]);
const network = Graph.of({
  y: x.matmul(w, { transB: true, alpha: 0.5 }),
  'same as input': x,
  rows: x.max(1).cast('i32'),
});

test('inputs, outputs, types and operator sets are written as declared', () => {
  const model = readModel(toOnnx(network, { target: 'portable', metadata: { task: 'test', ünï: 'cødé' } }));
  assert.equal(model.irVersion, 9);
  assert.equal(model.producer, 'hiperceiver');
  assert.deepEqual(model.opsets, [['', 18]]);
  assert.deepEqual(model.metadata, [
    ['task', 'test'],
    ['ünï', 'cødé'],
  ]);
  assert.deepEqual(model.inputs, [
    { name: 'x', elementType: 1, shape: [2, 3] },
    { name: 'w', elementType: 1, shape: [4, 3] },
  ]);
  assert.deepEqual(model.outputs, [
    { name: 'y', elementType: 1, shape: [2, 4] },
    { name: 'same as input', elementType: 1, shape: [2, 3] },
    { name: 'rows', elementType: 6, shape: [2] },
  ]);
});

test('weights become initialisers instead of inputs', () => {
  const values = Float32Array.from({ length: 12 }, (_, i) => i);
  const model = readModel(toOnnx(network, { target: 'portable', weights: new Map([['w', values]]) }));
  assert.deepEqual(
    model.inputs.map((i) => i.name),
    ['x'],
  );
  const weight = model.initializers.find((i) => i.name === 'w')!;
  assert.deepEqual([weight.shape, weight.elementType], [[4, 3], 1]);
  assert.deepEqual(new Float32Array(weight.bytes.slice().buffer), values);
});

for (const target of ['cpu', 'wasm', 'webgpu', 'portable'] as Target[]) {
  test(`${target}: every value is made once, before it is read, and named outputs are made`, () => {
    const scale = input('scale', [3]);
    const loss = layerNorm(x, scale, scale).softmax().matmul(w.transpose()).mul(0.1).sum();
    const graph = optimize(
      Graph.of({ loss, ...Object.fromEntries(gradients(loss, [x, w, scale]).map((g, i) => [`g${i}`, g])) }),
    );
    const model = readModel(toOnnx(graph, { target }));
    const known = new Set([...model.inputs, ...model.initializers].map((i) => i.name));
    for (const node of model.nodes) {
      for (const name of node.inputs) assert.ok(known.has(name), `${node.type} reads ${name} before it is made`);
      for (const name of node.outputs) {
        assert.ok(!known.has(name), `${name} is made twice`);
        known.add(name);
      }
    }
    for (const { name } of model.outputs) assert.ok(known.has(name), `output ${name} is not made`);
    const custom = model.nodes.filter((node) => node.domain !== '').map((node) => node.type);
    if (target === 'cpu' || target === 'wasm') {
      assert.ok(custom.includes('FusedMatMul'));
      assert.ok(model.opsets.some(([domain]) => domain === 'com.microsoft'));
    } else assert.deepEqual(custom, [], 'standard operators alone');
  });
}

test('an output that is an input or a constant is copied under its name', () => {
  const model = readModel(toOnnx(Graph.of({ a: x, b: constant([1, 2]) }), { target: 'portable' }));
  assert.deepEqual(
    model.nodes.map((node) => [node.type, node.outputs[0]]),
    [
      ['Identity', 'a'],
      ['Identity', 'b'],
    ],
  );
});

test('equal small constants are stored once', () => {
  const y = x.add(constant([1, 2, 3])).mul(constant([1, 2, 3]));
  assert.equal(readModel(toOnnx(Graph.of({ y }), { target: 'portable' })).initializers.length, 1);
});

test('unused parts of a split are still declared, so that the sizes add up', () => {
  const [, b] = x.split([1, 2], 1);
  const split = readModel(toOnnx(Graph.of({ b }), { target: 'portable' })).nodes.find((node) => node.type === 'Split')!;
  assert.equal(split.outputs.length, 2);
});
