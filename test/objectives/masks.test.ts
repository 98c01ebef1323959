/** Masks: how many, where, shared by whom, and always the same for the same key. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constNumGrouping, systemByName } from '../../src/models/index.js';
import {
  drawMask,
  elementMask,
  type MaskingOptions,
  type MaskPlan,
  maskFeeds,
  planMasks,
} from '../../src/objectives/index.js';
import { keyFrom } from '../../src/random/index.js';

const key = keyFrom(5);
const grouping = constNumGrouping(4, [{ name: 'image', indexDim: 64 }]);

function plan(options: Partial<MaskingOptions> = {}, batch = 3): MaskPlan {
  return planMasks(grouping, { scheme: 'group', ratio: 0.75, input: 'drop', perExample: false, ...options }, batch)[0];
}

/** Rows `[i * count, (i + 1) * count)` of index lists. */
const list = (indices: Int32Array, i: number, count: number) => [...indices.slice(i * count, (i + 1) * count)];

test('modalities of different lengths in one group each are masked within their own rows', () => {
  const { grouping, variants } = systemByName('perceiver_io');
  const modalities = [
    { name: 'image', indexShape: [64], channels: 3 },
    { name: 'audio', indexShape: [10], channels: 1 },
  ];
  const options = { scheme: 'group', ratio: 0.5, input: 'drop', perExample: false } as const;
  const [image, audio] = planMasks(grouping(variants.io_mini, modalities), options, 2);
  assert.deepEqual([image.rows, audio.rows, audio.numMasked], [64, 10, 5]);
  assert(drawMask(audio, key).masked.every((row) => row < 10));
});

test('the ratio is the share of each group that is hidden; at least one row is hidden and one is seen', () => {
  assert.deepEqual([plan().rows, plan().numVisible, plan().numMasked], [16, 4, 12]);
  for (const [ratio, numVisible] of [
    [0, 15],
    [0.01, 15],
    [0.5, 8],
    [0.85, 2],
    [0.99, 1],
  ])
    assert.equal(plan({ ratio }).numVisible, numVisible, `ratio ${ratio}`);
});

test('visible and masked rows are sorted, distinct, and together all rows', () => {
  for (const scheme of ['group', 'uniform'] as const) {
    const p = plan({ scheme, perExample: true });
    const { visible, masked } = drawMask(p, key);
    assert.equal(visible.length, p.examples * p.groups * p.numVisible);
    for (let i = 0; i < p.examples * p.groups; i++) {
      const [seen, hidden] = [list(visible, i, p.numVisible), list(masked, i, p.numMasked)];
      for (const rows of [seen, hidden])
        assert.deepEqual(
          rows,
          [...rows].sort((a, b) => a - b),
        );
      assert.deepEqual(
        [...seen, ...hidden].sort((a, b) => a - b),
        Array.from({ length: 16 }, (_, r) => r),
      );
    }
  }
});

test('the same key gives the same masks, another key others', () => {
  const p = plan({ scheme: 'uniform', perExample: true });
  assert.deepEqual(drawMask(p, key), drawMask(p, keyFrom(5)));
  assert.notDeepEqual(drawMask(p, key), drawMask(p, keyFrom(6)));
  const options = { input: 'drop' } as const;
  assert.deepEqual(maskFeeds([p], options, key), maskFeeds([p], options, key));
});

test('groupwise masks are one for all groups; uniform masks one for each; per example by choice', () => {
  const shapes = { group: { false: [1, 1], true: [3, 1] }, uniform: { false: [1, 4], true: [3, 4] } };
  for (const scheme of ['group', 'uniform'] as const) {
    for (const perExample of [false, true]) {
      const p = plan({ scheme, perExample });
      assert.deepEqual([p.examples, p.groups], shapes[scheme][`${perExample}`]);
      const { masked } = drawMask(p, key);
      const lists = Array.from({ length: p.examples * p.groups }, (_, i) => list(masked, i, p.numMasked).join());
      assert.equal(new Set(lists).size, lists.length, 'no two are alike');
    }
  }
});

test("element f is hidden where the group's mask hides f mod M: the paper's groupwise masking", () => {
  const p = plan();
  const drawn = drawMask(p, key);
  const mask = elementMask(p, drawn);
  mask.forEach((hidden, f) => assert.equal(hidden === 1, drawn.masked.includes(f % 16), `element ${f}`));
  const uniform = plan({ scheme: 'uniform', perExample: true });
  const each = drawMask(uniform, key);
  elementMask(uniform, each).forEach((hidden, at) => {
    const [example, f] = [Math.floor(at / 64), at % 64];
    assert.equal(
      hidden === 1,
      list(each.masked, example * 4 + Math.floor(f / 16), 12).includes(f % 16),
      `element ${f} of example ${example}`,
    );
  });
});

test('each row is hidden about as often as the ratio says', () => {
  const p = plan();
  const hidden = new Float64Array(16);
  for (let seed = 0; seed < 800; seed++) for (const row of drawMask(p, keyFrom(seed)).masked) hidden[row] += 1 / 800;
  // Six standard deviations of a mean of 800 draws.
  hidden.forEach((share, row) =>
    assert(Math.abs(share - 0.75) < 6 * Math.sqrt((0.75 * 0.25) / 800), `row ${row}: ${share}`),
  );
});

test('modalities have ratios and masks of their own; padding rows are left out', () => {
  // 3 groups of 7 for a (1 row of final padding), 1 group of 5 for b (2 rows of group padding).
  const two = constNumGrouping(4, [
    { name: 'a', indexDim: 20 },
    { name: 'b', indexDim: 5 },
  ]);
  const [a, b] = planMasks(two, { scheme: 'group', ratio: { a: 0.5, b: 0.2 }, input: 'zero', perExample: false }, 2);
  assert.deepEqual([a.rows, a.numMasked, b.rows, b.numMasked], [7, 3, 5, 1]);
  const feeds = maskFeeds([a, b], { input: 'zero' }, key);
  assert.deepEqual(Object.keys(feeds), ['mask/a.masked', 'mask/a.keep', 'mask/b.masked', 'mask/b.keep']);
  assert.deepEqual([feeds['mask/a.keep'].length, feeds['mask/b.keep'].length], [20, 5]);
  assert.equal(
    (feeds['mask/b.keep'] as Float32Array).reduce((sum, kept) => sum + kept, 0),
    4,
  );
  assert((feeds['mask/b.masked'] as Int32Array).every((row) => row < 5));
});

test('what cannot be masked is refused with one sentence', () => {
  const options = { scheme: 'group', input: 'drop', perExample: false } as const;
  assert.throws(
    () => plan({ ratio: 1 }),
    /^HiperceiverError: masking\.ratio is 1 for every modality, so that nothing is seen: lower it for at least one\.$/,
  );
  assert.throws(() => plan({ ratio: 1.1 }), /modality "image" must lie in \[0, 1\], not 1\.1\.$/);
  assert.throws(() => plan({ ratio: { audio: 0.5 } }), /modality "image" must lie in \[0, 1\], not undefined/);
  assert.throws(() => plan({ dropModality: 0.5 }), /only one modality is seen and none can be spared: set it to 0\.$/);
  assert.throws(
    () => planMasks(constNumGrouping(4, [{ name: 'x', indexDim: 4 }]), { ...options, ratio: 0.5 }, 1),
    /has 1 input in each of its 4 groups: too few to mask/,
  );
});
