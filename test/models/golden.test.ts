/** HiP against the reference implementation's own numbers. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { input } from '../../src/graph/index.js';
import { configOf, constNumGrouping, type Modality, systemByName } from '../../src/models/index.js';
import { countParameters, Scope } from '../../src/nn/index.js';
import { verifyCases } from '../../src/verify/index.js';
import { testDevices } from '../engine/devices.js';

const golden = fileURLToPath(new URL('../../../test/golden/hip/', import.meta.url));
const read = (name: string) => JSON.parse(readFileSync(join(golden, name), 'utf8'));
const cases = readdirSync(golden, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => join(golden, name));

const SYSTEMS: Record<string, string> = {
  HiP: 'hip',
  HiPClassBottleneck: 'hip_class_bottleneck',
  PerceiverIO: 'perceiver_io',
};

/** Parameters of `class/variant/data` (with `_pos=embed`: tables that are not projected), all data sets through one model. */
function count(name: string, dataSets: Record<string, Record<string, Record<string, [number, number]>>>): number {
  const [className, variant, data] = name.split('/');
  const [set, positions] = data.split('_pos=');
  const scope = Scope.root();
  for (const signals of Object.values(dataSets[set])) {
    const modalities: Modality[] = Object.entries(signals).map(([name, [index, channels]]) => ({
      name,
      indexShape: [index],
      channels,
    }));
    const labels = modalities.filter((m) => m.name.endsWith('label')).map((m) => m.name);
    const system = systemByName(SYSTEMS[className]);
    const config = configOf(system, variant, {
      ...(positions === 'embed' ? { numPositionEncodingChannels: undefined } : {}),
      ...(className === 'HiPClassBottleneck' ? { labelModalities: labels } : {}),
    });
    system.apply(
      scope,
      config,
      modalities,
      Object.fromEntries(modalities.map((m) => [m.name, input(m.name, [1, m.indexShape[0], m.channels])])),
    );
  }
  return countParameters(scope.needs);
}

test("every variant has the reference's number of parameters, on all of its inputs", () => {
  const { counts, officialTest, _inputs } = read('counts.json');
  assert.equal(Object.keys(counts).length, 68);
  for (const [name, expected] of Object.entries({ ...counts, ...officialTest })) {
    if (name.split('/').length === 3) assert.equal(count(name, _inputs), expected, name);
  }
});

test('the official counts, and those on ImageNet at 224 x 224', () => {
  const { _inputs } = read('counts.json');
  assert.equal(count('HiP/16/mock_data', _inputs), 99_224_996);
  assert.equal(count('HiP/256/mock_data', _inputs), 95_585_188);
  assert.equal(count('HiP/Mini/mock_data', _inputs), 18_709_668);
  assert.equal(count('HiPClassBottleneck/Mini/mock_data', _inputs), 21_114_788);
  assert.equal(count('HiP/16/imagenet224', _inputs), 100_788_963);
  assert.equal(count('HiP/256/imagenet224', _inputs), 96_367_411);
});

test('groups and paddings are shared out as the reference does', () => {
  const { rows } = read('grouping.json');
  assert(rows.length > 10);
  for (const { numGroups, indexDims, indexDimPerGroup, modalities } of rows) {
    const got = constNumGrouping(
      numGroups,
      indexDims.map((indexDim: number, i: number) => ({ name: `m${i}`, indexDim })),
    );
    const expected = {
      indexDimPerGroup,
      modalities: modalities.map((m: object, i: number) => ({ name: `m${i}`, ...m })),
    };
    assert.deepEqual(got, expected, `${numGroups} groups for ${indexDims}`);
  }
});

for (const device of ['cpu', 'reference'] as const) {
  test(`outputs, gradients, draws and training steps equal the reference's on ${device}`, async () => {
    const verdicts = await verifyCases(cases, { device });
    assert.equal(verdicts.length, 8);
    assert.deepEqual(
      verdicts.filter(({ ok }) => !ok).map(({ line }) => line),
      [],
    );
  });
}

for (const { device, skip } of (await testDevices()).filter((d) => d.device !== 'cpu')) {
  test(`gradients equal the reference's on ${device}`, { skip }, async () => {
    const [{ ok, line }] = await verifyCases([join(golden, 'hip_mae_grad')], { device });
    assert(ok, line);
  });
}
