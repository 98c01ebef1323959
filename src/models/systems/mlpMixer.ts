/** MLP-Mixer and its relatives as a system. */
import { patchWeights } from '../adaptTables.js';
import { type MlpMixerConfig, mlpMixer } from '../mlpMixer.js';
import { mlpMixerVariants } from '../mlpMixerVariants.js';
import { timmMixerLayout } from '../published/mlpMixer.js';
import type { System } from '../system.js';
import { encoderOutputs, imageOf, oneGroup, refuseMasks } from './images.js';

export const mlpMixerSystem: System<MlpMixerConfig> = {
  name: 'mlp_mixer',
  summary: 'MLP-Mixer, ResMLP and gMLP: MLPs over patches and channels in turn',
  paper: 'arXiv 2105.01601',
  variants: mlpMixerVariants,
  masksElements: false,
  grouping: oneGroup,
  resizable: ({ patch }) => [patchWeights(/^patch_embedding\/w$/, patch)],
  published: [timmMixerLayout],

  apply(scope, config, modalities, inputs, options = {}) {
    refuseMasks('mlp_mixer', options);
    const { pixels, size } = imageOf('mlp_mixer', modalities, inputs);
    const { embedded, blocks, tokens } = mlpMixer(scope, { ...config, classes: 0 }, pixels, size);
    return encoderOutputs(scope, embedded, blocks, tokens);
  },

  classify(scope, config, modalities, inputs, classes) {
    const { pixels, size } = imageOf('mlp_mixer', modalities, inputs);
    const { embedded, blocks, tokens, logits } = mlpMixer(scope, { ...config, classes }, pixels, size);
    return { ...encoderOutputs(scope, embedded, blocks, tokens), logits: logits! };
  },
};
