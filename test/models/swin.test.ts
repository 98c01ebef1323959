import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { Graph, gradients, input } from '../../src/graph/index.js';
import { type SwinConfig, shiftMask, swin, swinDefaults } from '../../src/models/swin.js';
import { initialize, PARAMETER, Scope } from '../../src/nn/index.js';
import { keyFrom, normal } from '../../src/random/index.js';

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu' });
});
after(() => engine.dispose());

const small: SwinConfig = {
  ...swinDefaults,
  size: [16, 16],
  patch: [2, 2],
  width: 8,
  depths: [2],
  heads: [2],
  window: 4,
};

/** Which patches of an 8 x 8 grid the token `asked` depends on after all blocks. */
async function reached(config: SwinConfig, asked: number): Promise<number[]> {
  const scope = Scope.root();
  const pixels = input('pixels', [1, 256, 3]);
  const { output } = swin(scope, config, pixels);
  const chosen = output.slice([undefined, [asked, asked + 1]]);
  const [gradient] = gradients(chosen.mul(input('upstream', chosen.shape)).sum(), [pixels]);
  const program = await engine.compile(Graph.of({ gradient }));
  const parameters = initialize(scope.needs.parameters, keyFrom(1));
  const got = await program.run({
    pixels: normal(keyFrom(2), 256 * 3),
    upstream: normal(keyFrom(3), 8),
    ...Object.fromEntries([...parameters].map(([name, values]) => [PARAMETER + name, values])),
  });
  const patches = new Set<number>();
  got.gradient.forEach((g, at) => {
    const pixel = Math.floor(at / 3);
    // What masked scores let through is below e^-90.
    if (Math.abs(g) > 1e-20) patches.add(Math.floor(pixel / 32) * 8 + Math.floor((pixel % 16) / 2));
  });
  return [...patches].sort((a, b) => a - b);
}

const rectangle = (rows: [number, number], columns: [number, number]) => {
  const cells: number[] = [];
  for (let r = rows[0]; r < rows[1]; r++) for (let c = columns[0]; c < columns[1]; c++) cells.push(r * 8 + c);
  return cells;
};

test('without shift a token sees its own window', async () => {
  assert.deepEqual(await reached({ ...small, shifted: false }, 0), rectangle([0, 4], [0, 4]));
});

test('with shift windows overlap, and corners see no opposite corners', async () => {
  // The second block's window of token (0, 0) holds rows and columns 0 and 1 alone; that of (3, 3) holds 2 to 5.
  assert.deepEqual(await reached(small, 0), rectangle([0, 4], [0, 4]));
  assert.deepEqual(await reached(small, 3 * 8 + 3), rectangle([0, 8], [0, 8]));
});

test('the mask keeps apart what the shift brought together', () => {
  const mask = shiftMask([8, 8], { width: 4, shift: 2 });
  const window = (i: number) => mask.subarray(i * 256, (i + 1) * 256);
  assert.ok(window(0).every((x) => x === 0));
  assert.equal(window(3)[0], 0);
  assert.equal(window(3)[2], -100);
});

test('sizes that cannot be merged or cut into windows are refused', () => {
  const build = (config: Partial<SwinConfig>) => {
    const full = { ...small, ...config };
    return swin(Scope.root(), full, input('pixels', [1, full.size[0] * full.size[1], 3]));
  };
  assert.throws(() => build({ size: [12, 12] }), /6 x 6 tokens does not divide into windows of 4 x 4/);
  assert.throws(() => build({ size: [10, 10], depths: [1, 1], heads: [1, 1], window: 5 }), /cannot be halved 1 times/);
});
