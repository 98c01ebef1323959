/** A caller may take the decoder's features for every element in place of the signal's own channels. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PARAMETER } from '../../src/nn/index.js';
import { image, network } from './network.js';

const sound = { name: 'sound', indexShape: [5], channels: 1 };

for (const system of ['hip', 'perceiver_io'])
  test(`${system}: the features are what the channels are unembedded from, and need no parameters of that`, () => {
    const whole = network({}, [image, sound], { system });
    const bare = network({}, [image, sound], { system, readout: 'features' });
    const names = (n: typeof whole) => [...n.needs.parameters.keys()];
    assert.deepEqual(
      names(bare),
      names(whole).filter((name) => !name.includes('unembed')),
    );
    for (const { name, indexShape, channels } of [image, sound]) {
      const elements = indexShape.reduce((a, b) => a * b);
      const features = bare.outputs.reconstruction[name];
      assert.deepEqual(features.shape, [2, elements, 8]);
      const [got] = Object.values(bare.run({ got: features }));
      const [wanted] = Object.values(whole.run({ wanted: whole.outputs.reconstruction[name] }));
      const unembed = (part: string) =>
        whole.parameters[`${PARAMETER}perceiver/embedder/~unembed/unembed_${name}/${part}`];
      const [w, b] = [unembed('w'), unembed('b')];
      for (let row = 0; row < 2 * elements; row++)
        for (let c = 0; c < channels; c++) {
          let sum = Number(b[c]);
          for (let e = 0; e < 8; e++) sum += got[row * 8 + e] * Number(w[e * channels + c]);
          assert.ok(Math.abs(sum - wanted[row * channels + c]) < 1e-4);
        }
    }
  });
