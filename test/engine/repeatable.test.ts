import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEngine, evaluate } from '../../src/engine/index.js';
import { Graph, input, scatterAdd } from '../../src/graph/index.js';
import { fold, keyFrom, normal, uniform } from '../../src/random/index.js';

/** The gradient of a position table that every example of a batch reads: each row is hit many times. */
const ROWS = 784;
const HITS = 12_544;
const WIDTH = 32;

test('rows that are hit many times add up exactly and equally at every run, with several threads', async () => {
  const graph = Graph.of({
    sum: scatterAdd([ROWS, WIDTH], input('rows', [HITS], 'i32'), input('updates', [HITS, WIDTH])),
  });
  const key = keyFrom(7);
  const feeds = {
    rows: Int32Array.from(uniform(fold(key, 'rows'), HITS), (u) => Math.floor(u * ROWS)),
    updates: normal(fold(key, 'updates'), HITS * WIDTH),
  };
  const expected = evaluate(graph, feeds).get('sum')!;
  await using engine = await createEngine({ device: 'cpu', threads: 4 });
  const program = await engine.compile(graph);
  const first = (await program.run(feeds)).sum;
  for (let i = 0; i < first.length; i++) assert.ok(Math.abs(first[i] - expected[i]) < 1e-4, `${i}: ${first[i]}`);
  for (let run = 0; run < 20; run++) assert.deepEqual((await program.run(feeds)).sum, first);
});
