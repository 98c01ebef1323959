import type { OptionSpec } from './command.js';

/** A short option that stands for one value of the recipe. */
export interface RecipeAlias extends Pick<OptionSpec, 'help' | 'placeholder'> {
  /** Dotted key of the recipe. */
  key: string;
  /** Whether it needs no value: present means `true`. */
  flag?: boolean;
}

/** Short names for the recipe values that people change most; every other value has its dotted key: `--masking.scheme`. */
export const recipeAliases: Record<string, RecipeAlias> = {
  data: { key: 'data.path', placeholder: 'PATH', help: 'folder or file with the data' },
  imageSize: { key: 'data.imageSize', placeholder: 'N|H,W', help: 'side of the images in pixels, or height,width' },
  model: { key: 'model.name', placeholder: 'NAME', help: 'model, as listed by the command models' },
  variant: { key: 'model.variant', placeholder: 'NAME', help: 'variant of the model' },
  maskRatio: { key: 'masking.ratio', placeholder: 'R', help: 'share of the inputs that is masked, 0 to 1' },
  lr: { key: 'optimizer.learningRate', placeholder: 'X', help: 'peak learning rate' },
  steps: { key: 'training.steps', placeholder: 'N', help: 'training steps' },
  batchSize: { key: 'training.batchSize', placeholder: 'N', help: 'examples in a step' },
  device: { key: 'training.device', placeholder: 'NAME', help: 'cpu, webgpu, wasm or reference' },
  precision: { key: 'training.precision', placeholder: 'P', help: 'f32, or f16 on webgpu' },
  seed: { key: 'training.seed', placeholder: 'N', help: 'seed of all randomness' },
  out: { key: 'training.out', placeholder: 'FOLDER', help: 'folder of the run' },
  resume: { key: 'training.resume', flag: true, help: 'go on from the last checkpoint in the folder of the run' },
};
