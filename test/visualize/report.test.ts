import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barChart, Figure, lineChart, renderReport } from '../../src/visualize/index.js';

const chart = lineChart({
  title: 'Loss',
  series: [
    { name: 'train', x: [0, 1], y: [1, 0] },
    { name: 'test', x: [0, 1], y: [1, 0.2] },
  ],
});

test('a report is self-contained: no address, no script, both colour schemes', async () => {
  const html = renderReport({
    title: 'Run',
    summary: 'First.\n\nSecond with `code` and **weight**.',
    keyFigures: [{ value: '0.80', label: 'Locality', note: 'chance 0.014' }],
    sections: [
      { heading: 'Curves', figure: chart, caption: 'The loss.' },
      { heading: 'Bars', figure: await barChart({ bars: [{ name: 'a', value: 1 }] }).toPng() },
      {
        heading: 'Settings',
        table: {
          columns: ['name', 'value'],
          rows: [
            ['rate', 0.003],
            ['batch', 16],
          ],
        },
        code: 'npm start\n',
      },
      { heading: 'Rest', text: 'Nothing.' },
    ],
    footer: 'seed 0',
  });
  const outside = html.replace(/base64,[A-Za-z0-9+/=]+/g, ''); // embedded bytes may spell anything
  assert.doesNotMatch(outside, /http|<script|src="(?!data:)|url\((?!data:)/);
  assert.match(html, /prefers-color-scheme:dark/);
  assert.match(html, /<p>First\.<\/p>\n<p>Second with <code>code<\/code> and <strong>weight<\/strong>\.<\/p>/);
  assert.match(html, /<svg viewBox[^>]*aria-label="Loss"/);
  assert.match(html, /<img alt="Bars" width="720" src="data:image\/png;base64,/);
  assert.match(html, /<td>rate<\/td><td class="n">0\.003<\/td>/);
  assert.match(html, /<pre><code>npm start<\/code><\/pre>/);
  for (const id of html.matchAll(/href="#([^"]+)"/g)) assert.ok(html.includes(`<section id="${id[1]}">`));
});

test('figures on a page follow its colours; in a file they are fixed', () => {
  assert.match(chart.toSvg('page'), /var\(--figure-ink\)/);
  assert.match(chart.toSvg('page'), /var\(--figure-series-0\)/);
  assert.doesNotMatch(chart.toSvg(), /var\(/);
  const html = renderReport({ title: 't', summary: 's', sections: [{ heading: 'h', figure: chart }] });
  for (const [, name] of html.matchAll(/var\((--[a-z0-9-]+)\)/g)) assert.ok(html.includes(`${name}:`), name);
});

test('what the caller passes cannot become markup', () => {
  const evil = '<script>alert("1")</script>';
  const html = renderReport({
    title: evil,
    summary: evil,
    keyFigures: [{ value: evil, label: evil, note: evil }],
    sections: [
      {
        heading: evil,
        text: evil,
        figure: new Figure(10, 10, `"${evil}`),
        caption: evil,
        table: { columns: [evil], rows: [[evil]] },
        code: evil,
      },
    ],
    footer: evil,
  });
  assert.doesNotMatch(html, /<script|alert\("/);
});

test('a wrong table or picture is refused by name', () => {
  const report = (section: object): string =>
    renderReport({ title: 't', summary: 's', sections: [{ heading: 'Scores', ...section }] });
  assert.throws(() => report({ table: { columns: ['a', 'b'], rows: [['x']] } }), /"Scores" has 1 cells, not 2/);
  assert.throws(
    () => report({ figure: Buffer.from('not a picture, but long enough to be one') }),
    /"Scores" of the report is not a PNG/,
  );
});
