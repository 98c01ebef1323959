/** Layouts of the Perceiver: DeepMind's (Haiku), Hugging Face's, and that of perceiver-pytorch. */
import type { Shape } from '../../graph/index.js';
import type { Layout, LayoutRule } from './layout.js';

/** A module whose leaves are Haiku's here and there. */
function haiku(ours: string, theirs: string): Layout {
  return ['w', 'b', 'scale', 'offset'].map((leaf) => ({ ours: `${ours}/${leaf}`, theirs: `${theirs}/${leaf}` }));
}

/** Haiku's name of the `index`-th module of a kind. */
const numbered = (kind: string, index: number) => (index === 0 ? kind : `${kind}_${index}`);

/** The maps of attention and MLP, which Haiku numbers. */
function haikuMaps(ours: string, theirs: string): Layout {
  return [
    ...['query', 'key', 'value', 'output'].flatMap((name, i) =>
      haiku(`${ours}/attention/${name}`, `${theirs}/attention/${numbered('linear', i)}`),
    ),
    ...['hidden', 'output'].flatMap((name, i) =>
      haiku(`${ours}/mlp/${name}`, `${theirs}/mlp/${numbered('linear', i)}`),
    ),
  ];
}

function haikuCross(ours: string, theirs: string): Layout {
  const norms = ['query_norm', 'input_norm', 'mlp_norm'];
  return [
    ...norms.flatMap((name, i) => haiku(`${ours}/${name}`, `${theirs}/${numbered('layer_norm', i)}`)),
    ...haikuMaps(ours, theirs),
  ];
}

function haikuSelf(ours: string, theirs: string): Layout {
  return [
    ...['norm', 'mlp_norm'].flatMap((name, i) => haiku(`${ours}/${name}`, `${theirs}/${numbered('layer_norm', i)}`)),
    ...haikuMaps(ours, theirs),
  ];
}

/** A table of positions, and what projects it. */
function haikuPositions(ours: string, theirs: string): Layout {
  return [
    { ours: `${ours}/positions`, theirs: `${theirs}/trainable_position_encoding/pos_embs` },
    ...haiku(`${ours}/position_projection`, `${theirs}/position_encoding_projector/linear`),
  ];
}

/** How many modules of each kind there are, and what the model calls its parts. */
export interface DeepMindParts {
  /** Layers of self-attention in a block. */
  layers: number;
  /** Channels and layers of the convolution in front, and linear layers on positions. Default none. */
  convChannels?: number;
  convLayers?: number;
  positionLayers?: number;
  /** `perceiver_encoder`, `encoder`. */
  encoder?: string;
  /** `classification_decoder/~/basic_decoder`, `basic_decoder`, … */
  decoder?: string;
  /** Whether the head is on the mean of the latents instead. */
  onMean?: boolean;
}

/** DeepMind's Perceiver IO: any of its preprocessors, decoders and postprocessors. */
export function deepMindPerceiver(parts: DeepMindParts): Layout {
  const { layers, encoder = 'perceiver_encoder', decoder = 'classification_decoder/~/basic_decoder' } = parts;
  return [
    ...haikuImages('preprocessor', parts),
    ...haikuImages('preprocessor/image', parts),
    ...haikuPositions('preprocessor/audio', 'audio_preprocessor/~_build_network_inputs'),
    { ours: 'preprocessor/embeddings', theirs: 'embed/embeddings' },
    { ours: 'preprocessor/text_positions', theirs: 'trainable_position_encoding/pos_embs' },
    { ours: 'preprocessor/#/padding', theirs: 'multimodal_preprocessor/#_padding/pos_embs' },
    { ours: 'preprocessor/#/mask_token', theirs: 'multimodal_preprocessor/#_mask_token/pos_embs' },
    { ours: 'encoder/latents', theirs: `${encoder}/~/trainable_position_encoding/pos_embs` },
    ...haikuCross('encoder/cross_attention/0', `${encoder}/~/cross_attention`),
    ...Array.from({ length: layers }, (_, i) =>
      haikuSelf(`encoder/self_attention/0/${i}`, `${encoder}/~/${numbered('self_attention', i)}`),
    ).flat(),
    ...haikuPositions('decoder/queries', `${decoder}/~`),
    ...haikuPositions('decoder/queries/label', 'classification_decoder/~/basic_decoder/~'),
    { ours: 'decoder/queries/#/padding', theirs: 'multimodal_decoder/~decoder_query/#_padding/pos_embs' },
    ...haikuCross('decoder/cross_attention', `${decoder}/cross_attention`),
    ...(parts.onMean ? haikuProjection : haiku('decoder/output', `${decoder}/output`)),
    { ours: 'decoder/vocabulary_bias', theirs: 'embedding_decoder/bias' },
    ...haiku('postprocessor/audio', 'audio_postprocessor/linear'),
    ...haiku('postprocessor/image', 'projection_postprocessor/linear'),
    ...haiku('postprocessor/label', 'classification_postprocessor/linear'),
  ];
}

/** The head on the mean of the latents. */
const haikuProjection = haiku('decoder/output', 'projection_decoder/~/logits');

/** DeepMind's image preprocessor, whose parameters are below `ours` here. */
function haikuImages(ours: string, { convChannels, convLayers = 1, positionLayers = 0 }: DeepMindParts): Layout {
  const theirs = 'image_preprocessor';
  const inputs = `${theirs}/~_build_network_inputs`;
  // One value for each channel, with the axes of a feature map.
  const channels: Shape | undefined = convChannels === undefined ? undefined : [1, 1, 1, convChannels];
  return [
    ...haiku(`${ours}/conv1x1`, `${theirs}/~/conv2_d`),
    ...haiku(`${ours}/patch_projection`, `${theirs}/patches_linear`),
    ...Array.from({ length: convLayers }, (_, i): Layout => {
      const below = `${theirs}/~/conv2_d_downsample/~`;
      const norm = `${below}/${numbered('batchnorm', i)}`;
      const own = `${ours}/conv/${i}`;
      return [
        { ours: `${own}/w`, theirs: `${below}/${numbered('conv', i)}/w` },
        { ours: `${own}/norm/scale`, theirs: `${norm}/scale`, shape: channels },
        { ours: `${own}/norm/offset`, theirs: `${norm}/offset`, shape: channels },
        { ours: `${own}/norm/mean`, theirs: `state:${norm}/~/mean_ema/average`, shape: channels },
        { ours: `${own}/norm/variance`, theirs: `state:${norm}/~/var_ema/average`, shape: channels },
      ];
    }).flat(),
    ...haikuPositions(ours, inputs),
    ...Array.from({ length: positionLayers }, (_, i) =>
      haiku(`${ours}/position_layer/${i}`, `${inputs}/${numbered('linear', i)}`),
    ).flat(),
  ];
}

/** DeepMind's modules in the order of the Perceiver of 2021: the first reading has weights of its own, all others share theirs. */
export function iteratedPerceiver(parts: DeepMindParts): Layout {
  return [
    ...haikuImages('preprocessor', parts),
    { ours: 'encoder/latents', theirs: 'latents/pos_embs' },
    ...haikuCross('encoder/cross_attention/0', 'cross_attend_first'),
    ...haikuCross('encoder/cross_attention/1', 'cross_attend_shared'),
    ...Array.from({ length: parts.layers }, (_, i) =>
      haikuSelf(`encoder/self_attention/0/${i}`, `self_attend_${i}`),
    ).flat(),
    ...haikuProjection,
  ];
}

/** Hugging Face's attention and MLP below `ours`; self-attention has one norm in front of attention. */
function hfLayer(ours: string, theirs: string, [first, second]: readonly [string, string?]): Layout {
  const rule = (from: string, to: string): LayoutRule => ({ ours: `${ours}/${from}`, theirs: `${theirs}.${to}` });
  return [
    rule(first, 'attention.self.layernorm1'),
    ...(second ? [rule(second, 'attention.self.layernorm2')] : []),
    rule('attention/query', 'attention.self.query'),
    rule('attention/key', 'attention.self.key'),
    rule('attention/value', 'attention.self.value'),
    rule('attention/output', 'attention.output.dense'),
    rule('mlp_norm', 'layernorm'),
    rule('mlp/hidden', 'mlp.dense1'),
    rule('mlp/output', 'mlp.dense2'),
  ];
}

function hfImages(ours: string, theirs: string): Layout {
  return [
    { ours: `${ours}/conv1x1`, theirs: `${theirs}.convnet_1x1`, kernel: [1, 1] },
    { ours: `${ours}/conv/0`, theirs: `${theirs}.convnet.conv`, kernel: [7, 7] },
    { ours: `${ours}/conv/0/norm`, theirs: `${theirs}.convnet.batchnorm` },
    { ours: `${ours}/patch_projection`, theirs: `${theirs}.conv_after_patches` },
    { ours: `${ours}/positions`, theirs: `${theirs}.position_embeddings.position_embeddings` },
    { ours: `${ours}/position_projection`, theirs: `${theirs}.positions_projection` },
  ];
}

/** Hugging Face's `PerceiverFor…`; `decoder` is where its basic decoder is: `decoder`, or `decoder.decoder` inside another. */
export function hfPerceiver(decoder = 'decoder.decoder'): Layout {
  const inputs = 'perceiver.input_preprocessor';
  const basic = `perceiver.${decoder}`;
  return [
    { ours: 'preprocessor/embeddings', theirs: `${inputs}.embeddings.weight` },
    { ours: 'preprocessor/text_positions', theirs: `${inputs}.position_embeddings.weight` },
    ...hfImages('preprocessor', inputs),
    ...hfImages('preprocessor/#', `${inputs}.modalities.#`),
    { ours: 'preprocessor/#/padding', theirs: `${inputs}.padding.#` },
    { ours: 'preprocessor/#/mask_token', theirs: `${inputs}.mask.#` },
    { ours: 'encoder/latents', theirs: 'perceiver.embeddings.latents' },
    ...hfLayer('encoder/cross_attention/0', 'perceiver.encoder.cross_attention', ['query_norm', 'input_norm']),
    ...hfLayer('encoder/self_attention/0/#', 'perceiver.encoder.self_attends.#', ['norm']),
    { ours: 'decoder/queries/positions', theirs: `${basic}.output_position_encodings.position_embeddings` },
    { ours: 'decoder/queries/position_projection', theirs: `${basic}.positions_projection` },
    {
      ours: 'decoder/queries/#/positions',
      theirs: 'perceiver.decoder.modalities.#.decoder.output_position_encodings.position_embeddings',
    },
    { ours: 'decoder/queries/#/padding', theirs: 'perceiver.decoder.padding.#' },
    ...hfLayer('decoder/cross_attention', `${basic}.decoding_cross_attention`, ['query_norm', 'input_norm']),
    { ours: 'decoder/output', theirs: `${basic}.final_layer` },
    { ours: 'decoder/vocabulary_bias', theirs: 'embedding_decoder.bias' },
    { ours: 'postprocessor/#', theirs: 'perceiver.output_postprocessor.modalities.#.classifier' },
  ];
}

/** The `Perceiver` of perceiver-pytorch: key and value in one matrix, gated MLPs. */
export const perceiverPytorch: Layout = [
  { ours: 'encoder/latents', theirs: 'latents' },
  ...pytorchLayer('encoder/cross_attention/#', 'layers.#.0', 'layers.#.1', ['query_norm', 'input_norm']),
  ...pytorchLayer('encoder/self_attention/#/#', 'layers.#.2.#.0', 'layers.#.2.#.1', ['norm']),
  { ours: 'decoder/norm', theirs: 'to_logits.1' },
  { ours: 'decoder/output', theirs: 'to_logits.2' },
];

function pytorchLayer(
  ours: string,
  attention: string,
  mlp: string,
  [first, second]: readonly [string, string?],
): Layout {
  const rule = (from: string, to: string): LayoutRule => ({ ours: `${ours}/${from}`, theirs: to });
  return [
    rule(first, `${attention}.norm`),
    ...(second ? [rule(second, `${attention}.norm_context`)] : []),
    rule('attention/query', `${attention}.fn.to_q`),
    { ...rule('attention/key', `${attention}.fn.to_kv`), part: { index: 0, count: 2 } },
    { ...rule('attention/value', `${attention}.fn.to_kv`), part: { index: 1, count: 2 } },
    rule('attention/output', `${attention}.fn.to_out`),
    rule('mlp_norm', `${mlp}.norm`),
    rule('mlp/hidden', `${mlp}.fn.net.0`),
    rule('mlp/output', `${mlp}.fn.net.2`),
  ];
}
