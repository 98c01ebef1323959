/** Small networks, evaluated on the reference device with random values for every parameter. */
import { evaluate } from '../../src/engine/index.js';
import { Graph, input, type Tensor, type Values } from '../../src/graph/index.js';
import {
  type ApplyOptions,
  configOf,
  indexDim,
  type Modality,
  type PerceiverOutputs,
  systems,
} from '../../src/models/index.js';
import { DRAW, drawAll, type ModelNeeds, PARAMETER, Scope } from '../../src/nn/index.js';
import { fold, keyFrom, normal } from '../../src/random/index.js';
import { smallHip } from '../smallHip.js';

const key = keyFrom(11);

export const image: Modality = { name: 'image', indexShape: [4, 4], channels: 3 };

export interface Network {
  needs: ModelNeeds;
  outputs: PerceiverOutputs;
  parameters: Record<string, Values>;
  /** Evaluates tensors of the network for signals by modality. */
  run(wanted: Record<string, Tensor>, signals?: Record<string, Values>): Record<string, number[]>;
}

/** Fields of a small Perceiver IO. */
const smallPerceiverIo = {
  numSelfAttendsPerBlock: 1,
  zIndexDim: 6,
  numZChannels: 8,
  numSelfAttendHeads: 2,
  numEmbeddingChannels: 8,
};

/** Applies a system, HiP if none is named; `config` is laid over {@link smallHip}, or a Perceiver IO as small. */
export function network(
  config: Record<string, unknown> = {},
  modalities: Modality[] = [image],
  {
    training = false,
    batch = 2,
    system = 'hip',
    ...options
  }: ApplyOptions & { training?: boolean; batch?: number; system?: string } = {},
): Network {
  const scope = Scope.root({ training });
  const [variant, small] = system === 'perceiver_io' ? ['io_mini', smallPerceiverIo] : ['tiny', smallHip];
  const complete = configOf(systems[system], variant, { ...small, ...config });
  const inputs = Object.fromEntries(modalities.map((m) => [m.name, input(m.name, [batch, indexDim(m), m.channels])]));
  const outputs = systems[system].apply(scope, complete, modalities, inputs, options);
  const parameters = randomParameters(scope.needs);
  return {
    needs: scope.needs,
    outputs,
    parameters,
    run: (wanted, signals = signalsOf(modalities, batch)) => {
      const draws = Object.fromEntries(
        [...drawAll(scope.needs.draws, key)].map(([name, values]) => [DRAW + name, values]),
      );
      const renamed = Object.fromEntries(Object.entries(wanted).map(([name, tensor]) => [`result/${name}`, tensor]));
      const values = evaluate(Graph.of(renamed), { ...parameters, ...draws, ...signals });
      return Object.fromEntries(
        Object.keys(wanted).map((name) => [name, Array.from(values.get(`result/${name}`)!, Number)]),
      );
    },
  };
}

/** Noise for every modality. */
export function signalsOf(modalities: Modality[], batch = 2): Record<string, Float32Array> {
  return Object.fromEntries(
    modalities.map((m) => [m.name, normal(fold(key, 'signal', m.name), batch * indexDim(m) * m.channels)]),
  );
}

function randomParameters({ parameters }: ModelNeeds): Record<string, Values> {
  return Object.fromEntries(
    [...parameters.values()].map(({ name, shape }) => {
      const centre = name.endsWith('/scale') ? 1 : 0;
      return [
        PARAMETER + name,
        normal(
          fold(key, name),
          shape.reduce((a, b) => a * b, 1),
        ).map((x) => centre + 0.4 * x),
      ];
    }),
  );
}
