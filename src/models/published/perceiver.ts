/** Image classifiers of the Perceiver: Hugging Face's, DeepMind's and perceiver-pytorch's. */
import { ensure } from '../../errors/index.js';
import { deepMindPerceiver, hfPerceiver, iteratedPerceiver, type Layout, perceiverPytorch } from '../layouts/index.js';
import {
  deepMindClassifier,
  deepMindIterated,
  hfPerceiverModel,
  perceiverPytorchModel,
  type ReferencePerceiver,
} from '../perceiver/index.js';
import {
  type Arguments,
  classNames,
  type ForeignCheckpoint,
  hfLabels,
  IMAGENET,
  imageModality,
  isHf,
  type PublishedLayout,
  type PublishedModel,
  shapeOf,
  sizeOfTable,
  sizesOf,
} from './published.js';
import { torchActivation } from './torchArguments.js';

/** Pixels of the images that the published models were trained on. */
const PIXELS = 224;
const COLOURS = 3;

const HF_CLASSES: Record<string, string> = {
  pixels: 'PerceiverForImageClassificationFourier',
  conv1x1: 'PerceiverForImageClassificationLearned',
  conv: 'PerceiverForImageClassificationConvProcessing',
};

/** An image classifier as a published model. Positions that are learned tell the size of the images. */
function classifier(
  { model, layout }: ReferencePerceiver,
  checkpoint: ForeignCheckpoint,
  positions: string,
  classes: number,
): PublishedModel {
  ensure(
    model.task === 'imageClassification',
    () =>
      `A Perceiver for ${model.task} is built and verified (hip verify), but images alone can be put into commands.`,
  );
  const { classes: _, ...config } = model.config;
  const rows = checkpoint.shapes.get(positions)?.[0];
  const size = rows ? sizeOfTable(rows, [1, 1], checkpoint.size) : (checkpoint.size ?? ([PIXELS, PIXELS] as const));
  return {
    config,
    modalities: imageModality(size, COLOURS),
    form: 'classes',
    classes: classNames(classes, checkpoint.config),
    layout,
    statistics: IMAGENET,
    remarks: [],
  };
}

export const hfPerceiverLayout: PublishedLayout = {
  name: 'hf',
  of: "Hugging Face's PerceiverForImageClassification… classes",

  recognises: (checkpoint) =>
    checkpoint.config?.model_type !== undefined
      ? isHf(checkpoint, 'perceiver')
      : checkpoint.shapes.has('perceiver.embeddings.latents'),

  read(checkpoint) {
    const { config: c = {}, shapes } = checkpoint;
    const front = 'perceiver.input_preprocessor';
    const [named] = (c.architectures ?? []) as string[];
    const kind = shapes.has(`${front}.convnet_1x1.weight`)
      ? 'conv1x1'
      : shapes.has(`${front}.convnet.conv.weight`)
        ? 'conv'
        : 'pixels';
    const [latents, width] = shapeOf(checkpoint, 'perceiver.embeddings.latents');
    const classes = shapeOf(checkpoint, 'perceiver.decoder.decoder.final_layer.weight')[0];
    const told = { ...c, num_latents: latents, d_latents: width, num_labels: classes };
    const reference = hfPerceiverModel(named ?? HF_CLASSES[kind], told, torchActivation(c.hidden_act));
    return classifier(reference, checkpoint, `${front}.position_embeddings.position_embeddings`, classes);
  },

  layout: () => hfPerceiver(),

  configOf: ({ preprocessor, encoder }, { classes, modalities }) => ({
    model_type: 'perceiver',
    architectures: [HF_CLASSES[preprocessor.kind]],
    num_latents: encoder.latents,
    d_latents: encoder.channels,
    num_blocks: encoder.blocks,
    num_self_attends_per_block: encoder.layers,
    num_self_attention_heads: encoder.selfHeads,
    num_cross_attention_heads: encoder.crossHeads,
    self_attention_widening_factor: encoder.selfWidening,
    cross_attention_widening_factor: encoder.crossWidening,
    qk_channels: encoder.queryKeyChannels ?? null,
    v_channels: encoder.valueChannels ?? null,
    cross_attention_shape_for_attention: encoder.widthOf === 'queries' ? 'q' : 'kv',
    use_query_residual: encoder.queryResidual,
    hidden_act: encoder.activation === 'geluTanh' ? 'gelu_new' : encoder.activation,
    image_size: sizesOf(modalities).size[0],
    ...hfLabels(classes),
  }),
};

/** DeepMind's names follow from how many modules there are. */
function layoutOfDeepMind({ preprocessor, encoder, head }: Arguments): Layout {
  const { kind, channels, layers, positionLayers } = preprocessor;
  const parts = { convChannels: kind === 'conv' ? channels : undefined, convLayers: layers, positionLayers };
  if (encoder.reads === 'everyBlock') return iteratedPerceiver({ layers: encoder.layers, ...parts });
  return deepMindPerceiver({ layers: encoder.layers, onMean: head.kind === 'mean', ...parts });
}

/** `config.json` with `model_args` says what no tensor does: bands, strides, heads. */
function needArguments(checkpoint: ForeignCheckpoint, whose: string): Arguments {
  const told = checkpoint.config?.model_args;
  ensure(
    told,
    () =>
      `These weights have ${whose} names, and no tensor tells the model's bands and heads: put a config.json with its arguments as "model_args" beside them.`,
  );
  return told;
}

export const deepMindPerceiverLayout: PublishedLayout = {
  name: 'deepmind',
  of: "DeepMind's Haiku modules",

  recognises: ({ shapes }) =>
    shapes.has('perceiver_encoder/~/trainable_position_encoding/pos_embs') || shapes.has('latents/pos_embs'),

  read(checkpoint) {
    const c = needArguments(checkpoint, "DeepMind's");
    const reference = checkpoint.shapes.has('latents/pos_embs') ? deepMindIterated(c) : deepMindClassifier(c);
    return classifier(
      reference,
      checkpoint,
      'image_preprocessor/~_build_network_inputs/trainable_position_encoding/pos_embs',
      c.num_classes,
    );
  },

  layout: layoutOfDeepMind,
  configOf: () => ({}),
};

export const perceiverPytorchLayout: PublishedLayout = {
  name: 'perceiver-pytorch',
  of: "perceiver-pytorch's Perceiver",

  recognises: ({ shapes }) => shapes.has('latents') && shapes.has('layers.0.0.fn.to_kv.weight'),

  read(checkpoint) {
    const c = needArguments(checkpoint, "perceiver-pytorch's");
    const reference = perceiverPytorchModel(c as Parameters<typeof perceiverPytorchModel>[0]);
    return classifier(reference, checkpoint, '', shapeOf(checkpoint, 'to_logits.2.weight')[0]);
  },

  layout: () => perceiverPytorch,
  configOf: () => ({}),
};
