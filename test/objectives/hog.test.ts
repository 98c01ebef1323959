import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEngine, type Engine } from '../../src/engine/index.js';
import { Graph, gradients, input } from '../../src/graph/index.js';
import { hog, hogTokens, maskedHogLoss, maskedPixelLoss, orientedGradients } from '../../src/objectives/index.js';
import { keyFrom, normal } from '../../src/random/index.js';

let engine: Engine;
before(async () => {
  engine = await createEngine({ device: 'cpu' });
});
after(() => engine.dispose());

/** Histograms of one channel by the definition: the arc tangent, floor, and a sum for every pixel. */
function byDefinition(image: Float32Array, height: number, width: number, bins: number, cell: number): number[][] {
  const mirrored = (i: number, size: number) => (i < 0 ? -i : i >= size ? 2 * size - 2 - i : i);
  const at = (row: number, column: number) => image[mirrored(row, height) * width + mirrored(column, width)];
  const cells = Array.from({ length: (height / cell) * (width / cell) }, () => new Array<number>(bins).fill(0));
  for (let r = 0; r < height; r++) {
    for (let c = 0; c < width; c++) {
      let [gx, gy] = [0, 0];
      for (const d of [-1, 0, 1]) {
        gx += (2 - Math.abs(d)) * (at(r + d, c - 1) - at(r + d, c + 1));
        gy += (2 - Math.abs(d)) * (at(r - 1, c + d) - at(r + 1, c + d));
      }
      const phase = Math.floor((Math.atan2(gx, gy) / Math.PI) * bins);
      const bin = ((phase % bins) + bins) % bins;
      cells[Math.floor(r / cell) * (width / cell) + Math.floor(c / cell)][bin] += Math.hypot(gx, gy);
    }
  }
  return cells;
}

for (const { bins, cell, height, width } of [
  { bins: 9, cell: 8, height: 16, width: 24 },
  { bins: 4, cell: 3, height: 6, width: 9 },
]) {
  test(`histograms of ${bins} bins in cells of ${cell} are those of the definition`, async () => {
    const values = normal(keyFrom(bins), 2 * height * width);
    const images = input('images', [1, 2, height, width]);
    const program = await engine.compile(Graph.of({ got: hog(images, { bins, cell, normalize: false }) }));
    const { got } = await program.run({ images: values });
    const count = (height / cell) * (width / cell);
    for (const channel of [0, 1]) {
      const image = values.subarray(channel * height * width, (channel + 1) * height * width);
      byDefinition(image, height, width, bins, cell).forEach((histogram, at) => {
        histogram.forEach((expected, bin) => {
          const value = got[(channel * bins + bin) * count + at];
          assert.ok(Math.abs(value - expected) < 1e-4 * (1 + expected), `${value} instead of ${expected}`);
        });
      });
    }
  });
}

test('normalised histograms have length 1, those of constant areas are zero', async () => {
  const images = input('images', [2, 1, 8, 8]);
  const program = await engine.compile(Graph.of({ got: hog(images) }));
  const values = new Float32Array(128).fill(3);
  values.set(normal(keyFrom(2), 64));
  const { got } = await program.run({ images: values });
  const length = (part: ArrayLike<number>) => Math.hypot(...Array.from(part));
  assert.ok(Math.abs(length(got.subarray(0, 9)) - 1) < 1e-6);
  assert.equal(length(got.subarray(9)), 0);
});

test('opposite gradients fall into one bin, borders of the half turn into the first', async () => {
  const images = input('images', [4, 1, 3, 3]);
  const { bin } = orientedGradients(images);
  const program = await engine.compile(Graph.of({ bin }));
  const rising = [0, 1, 2, 0, 1, 2, 0, 1, 2];
  const down = [0, 0, 0, 1, 1, 1, 2, 2, 2];
  const planes = [rising, rising.map((x) => -x), down, down.map((x) => -x)];
  const bins = (await program.run({ images: Float32Array.from(planes.flat()) })).bin;
  const centres = [0, 1, 2, 3].map((i) => bins[i * 9 + 4]);
  // Left to right is a quarter turn from the axis, in the middle of nine bins; top to bottom lies on the axis.
  assert.deepEqual(centres, [4, 4, 0, 0]);
});

test('images that do not divide into cells are refused', () => {
  assert.throws(() => hog(input('images', [1, 3, 20, 16])), /divide into cells of 8 x 8 pixels, not \[1, 3, 20, 16\]/);
  assert.throws(() => hogTokens(input('cells', [1, 27, 3, 4]), 2), /3 x 4 HOG cells do not divide/);
});

test('the loss counts masked tokens alone; a mask of cells that is constant in each token is a mask of tokens', async () => {
  const pixels = input('pixels', [2, 32 * 32, 3]);
  const prediction = input('prediction', [2, 4, 108]);
  const masks = { tokens: input('tokens', [2, 2, 2]), cells: input('cells', [2, 4, 4]) };
  const target = { size: [32, 32], grid: [2, 2], normalize: true } as const;
  const loss = maskedHogLoss(prediction, pixels, masks.tokens, target);
  const ofCells = maskedHogLoss(prediction, pixels, masks.cells, target);
  const [gradient] = gradients(loss, [prediction]);
  const program = await engine.compile(Graph.of({ loss, ofCells, gradient }));
  const tokens = [1, 0, 0, 1, 0, 1, 0, 0];
  const cells = Float32Array.from({ length: 32 }, (_, at) => {
    const [example, row, column] = [Math.floor(at / 16), Math.floor(at / 4) % 4, at % 4];
    return tokens[example * 4 + Math.floor(row / 2) * 2 + Math.floor(column / 2)];
  });
  const got = await program.run({
    pixels: normal(keyFrom(3), 2 * 1024 * 3),
    prediction: normal(keyFrom(4), 2 * 4 * 108),
    tokens: Float32Array.from(tokens),
    cells,
  });
  assert.ok(Math.abs(got.loss[0] - got.ofCells[0]) < 1e-5 * got.loss[0]);
  tokens.forEach((masked, token) => {
    const own = got.gradient.subarray(token * 108, (token + 1) * 108);
    assert.equal(
      own.some((g) => g !== 0),
      masked === 1,
    );
  });
});

test('pixel targets of constant patches stay finite', async () => {
  const pixels = input('pixels', [1, 16, 3]);
  const loss = maskedPixelLoss(input('prediction', [1, 4, 12]), pixels, input('mask', [1, 2, 2]), {
    size: [4, 4],
    grid: [2, 2],
    normalize: true,
  });
  const program = await engine.compile(Graph.of({ loss }));
  const feeds = {
    pixels: new Float32Array(48).fill(5),
    prediction: new Float32Array(48),
    mask: Float32Array.of(1, 0, 0, 1),
  };
  assert.equal((await program.run(feeds)).loss[0], 0);
});
