import type { Command } from './command.js';

/** A command as the list of commands knows it: its file is loaded only when it runs, so that `--help` is instant. */
export interface CommandEntry {
  summary: string;
  load(): Promise<{ command: Command }>;
}

/** The commands by name, in the order in which the help lists them. */
export type Registry = Record<string, CommandEntry>;

/** Every command of the program; each lives in its own file of `commands/`, which exports it as `command`. */
export const commands: Registry = {
  quickstart: {
    summary: 'Pre-train, fine-tune and look, in a few minutes, on images that come with the program',
    load: () => import('./commands/quickstart.js'),
  },
  prepare: {
    summary: 'Turn a data set into shards that can be read fast, in any order, from anywhere',
    load: () => import('./commands/prepare.js'),
  },
  pretrain: {
    summary: 'Pre-train a model on raw inputs by filling in what is masked',
    load: () => import('./commands/pretrain.js'),
  },
  finetune: {
    summary: 'Train a pre-trained model, or a new one, to classify, tag or segment',
    load: () => import('./commands/finetune.js'),
  },
  evaluate: {
    summary: 'Measure a fine-tuned model, or a pre-trained encoder by linear probe and nearest neighbours',
    load: () => import('./commands/evaluate.js'),
  },
  predict: {
    summary: 'Say what a model makes of files: classes with probabilities, segments, or reconstructions',
    load: () => import('./commands/predict.js'),
  },
  reconstruct: {
    summary: 'Mask examples, let the model fill them in, and draw both',
    load: () => import('./commands/reconstruct.js'),
  },
  embed: {
    summary: 'Write the encoder’s features of examples to npy files',
    load: () => import('./commands/embed.js'),
  },
  visualize: {
    summary: 'Draw learned positions, reconstructions, attention, augmentation, or the curves of a run',
    load: () => import('./commands/visualize.js'),
  },
  import: {
    summary: 'Tell what weights of other programs hold, and make a model of them',
    load: () => import('./commands/import.js'),
  },
  export: {
    summary: 'Write a model as an ONNX file for inference anywhere, or as other programs keep it',
    load: () => import('./commands/export.js'),
  },
  serve: {
    summary: 'Answer HTTP requests with a model: embed, classify, reconstruct, health, metrics',
    load: () => import('./commands/serve.js'),
  },
  latency: {
    summary: 'Time a model as exported in fp32, fp16 and int8, or ONNX files, side by side',
    load: () => import('./commands/latency.js'),
  },
  models: {
    summary: 'List the models with their variants, sizes and papers',
    load: () => import('./commands/models.js'),
  },
  info: {
    summary: 'Show a model’s parameters, operations, memory and stages on given inputs',
    load: () => import('./commands/info.js'),
  },
  verify: {
    summary: 'Compare models and building blocks with a reference implementation’s own numbers',
    load: () => import('./commands/verify.js'),
  },
  doctor: {
    summary: 'Try every device and say which work here, and what to do about the others',
    load: () => import('./commands/doctor.js'),
  },
};
