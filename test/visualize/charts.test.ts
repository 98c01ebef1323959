import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barChart, formatNumber, lineChart, makeAxis } from '../../src/visualize/index.js';

test('ticks are round, evenly spaced and inside the axis', () => {
  assert.deepEqual(
    makeAxis(0.03, 0.97, { ticks: 5 }).ticks.map((t) => makeAxis(0.03, 0.97, { ticks: 5 }).label(t)),
    ['0.0', '0.2', '0.4', '0.6', '0.8', '1.0'],
  );
  const axis = makeAxis(0, 14000, { ticks: 3, nice: false });
  assert.deepEqual(axis.ticks.map(axis.label), ['0', '5k', '10k']);
  for (const [low, high] of [
    [-3, 8],
    [1e-7, 3e-7],
    [5, 5],
    [0, 0],
    [1e6, 2.5e6],
    [Number.NaN, 1],
  ]) {
    const { ticks, low: from, high: to, share } = makeAxis(low, high);
    assert.ok(ticks.length >= 2 && ticks.length <= 14, `${low} … ${high}: ${ticks}`);
    assert.ok(ticks.every((t) => t >= from - 1e-9 * Math.abs(from) && t <= to * (1 + 1e-9) + 1e-12));
    assert.ok(share(from) === 0 && share(to) === 1);
  }
});

test('a logarithmic axis has ticks at decades, at 1-2-5 when narrow, and never none', () => {
  assert.deepEqual(makeAxis(0.001, 100, { log: true, ticks: 6 }).ticks, [0.001, 0.01, 0.1, 1, 10, 100]);
  assert.deepEqual(makeAxis(0.08, 1, { log: true, ticks: 6 }).ticks, [0.1, 0.2, 0.5, 1]);
  assert.ok(makeAxis(0.305, 0.309, { log: true }).ticks.length >= 2);
  const axis = makeAxis(0.01, 1, { log: true });
  assert.ok(Math.abs(axis.share(0.1) - 0.5) < 1e-9);
});

test('numbers are short, with a real minus', () => {
  const shown = [0, 0.012345, 45.67, 1234, 12345, 99224996, -2.5, 4.1e-7, Number.NaN, Number.POSITIVE_INFINITY].map(
    (v) => formatNumber(v),
  );
  assert.deepEqual(shown, ['0', '0.0123', '45.7', '1234', '12.3k', '99.2M', '−2.5', '4.1e−7', 'NaN', '∞']);
});

test('a value that is not a number breaks the line and is marked', () => {
  const x = [0, 1, 2, 3, 4];
  const whole = lineChart({ series: [{ name: 'loss', x, y: [5, 4, 3, 2, 1] }] }).toSvg();
  const broken = lineChart({ series: [{ name: 'loss', x, y: [5, 4, Number.NaN, 2, 1] }] }).toSvg();
  assert.doesNotMatch(whole, /#ff00ff/);
  assert.match(broken, /#ff00ff/);
  assert.doesNotMatch(broken, /NaN|Infinity|undefined/);
});

test('any series can be drawn: none, empty, one point, constant, negative on a log axis', () => {
  const cases = [
    [],
    [{ name: 'a', x: [], y: [] }],
    [{ name: 'a', x: [3], y: [7] }],
    [
      { name: 'a', x: [0, 1], y: [2, 2] },
      { name: 'b', x: [0, 1], y: [-1, 0] },
    ],
  ];
  for (const series of cases)
    for (const logY of [false, true]) assert.doesNotMatch(lineChart({ series, logY }).toSvg(), /NaN|Infinity/);
  assert.throws(() => lineChart({ series: [{ name: 'train', x: [1], y: [1, 2] }] }), /"train" has 1 x and 2 y/);
});

test('a long curve is thinned to a small file without losing its extremes', () => {
  const y = Float32Array.from({ length: 200000 }, (_, i) => Math.sin(i / 9000) + (i === 77777 ? 9 : 0));
  const svg = lineChart({
    series: [{ name: 'a', x: y.map((_, i) => i), y, color: '#123456' }],
    yRange: [-1, 10],
  }).toSvg();
  assert.ok(svg.length < 100000, `${svg.length} bytes`);
  const line = /<path d="([^"]+)"[^>]*#123456/.exec(svg)?.[1] ?? '';
  const heights = [...line.matchAll(/ ([\d.]+)/g)].map((m) => Number(m[1]));
  assert.ok(Math.min(...heights) < 80, 'the spike is drawn');
});

test('bars are as long as their values', () => {
  const svg = barChart({
    bars: [
      { name: 'a', value: 1, color: '#111111' },
      { name: 'b', value: 0.25, color: '#222222' },
      { name: 'c', value: Number.NaN },
    ],
    references: [{ value: 0.1, label: 'chance' }],
    max: 1,
  }).toSvg();
  const width = (color: string): number =>
    Number(new RegExp(`width="([\\d.]+)" height="20"[^>]*fill="${color}"`).exec(svg)?.[1]);
  assert.ok(Math.abs(width('#222222') / width('#111111') - 0.25) < 0.001);
  assert.doesNotMatch(svg, /NaN/);
});
