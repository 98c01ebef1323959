import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { describeMachine, machineLine } from '../../bench/machine.js';
import { check, ms, type Report, reportMarkdown, reportText, writeReport } from '../../bench/report.js';

const report: Report = {
  name: 'example',
  summary: 'An example',
  command: 'npm run bench -- example',
  machine: describeMachine(),
  seconds: 12.3,
  result: {
    tables: [{ title: 'Time', columns: ['model', 'ms', 'peer'], rows: [['a|b', ms(1234.5), undefined]] }],
    checks: [check('times faster', 1.234, { atLeast: 1.3 }), check('memory', 0.5, { atMost: 0.8 })],
    notes: ['A peer was skipped.'],
    data: { samples: [1, 2] },
  },
};

test('a report is written as JSON and Markdown, and nothing else is left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hip-report-'));
  try {
    const files = await writeReport(join(folder, 'results'), report);
    assert.deepEqual(readdirSync(join(folder, 'results')).sort(), ['example.json', 'example.md']);
    assert.deepEqual(JSON.parse(readFileSync(files[0], 'utf8')), JSON.parse(JSON.stringify(report)));
    const page = readFileSync(files[1], 'utf8');
    assert.match(page, /^# example\n\nAn example\.\n/);
    assert.match(page, /\| a\\\|b \| 1,23[45] \| – \|/);
    assert.match(page, /\| ✗ \| times faster \| ≥ 1\.30 \| 1\.23 \|/);
    assert.match(page, /\| ✓ \| memory \| ≤ 0\.80 \| 0\.50 \|/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('people read the table, the checks, the notes and the machine', () => {
  const text = reportText(report);
  for (const part of ['Time', 'times faster', 'A peer was skipped.', machineLine(report.machine), '12 s in all.'])
    assert.ok(text.includes(part), part);
  assert.equal(reportMarkdown(report).includes('undefined'), false);
});

test('the machine is described', () => {
  const { cores, memory, node, onnxRuntime } = describeMachine();
  assert.ok(cores >= 1 && memory > 1e8);
  assert.equal(node, process.versions.node);
  assert.match(onnxRuntime, /^\d+\.\d+/);
});
