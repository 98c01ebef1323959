/** A Perceiver of any task: what it is given, and what it answers. */
import type { Layout } from '../layouts/index.js';
import type { AutoencoderConfig } from './autoencoder.js';
import type { PerceiverClassifierConfig } from './classifier.js';
import type { LanguageModelConfig, TextClassifierConfig } from './language.js';
import type { OpticalFlowConfig } from './opticalFlow.js';

/** A configuration with its task. */
export type PerceiverModel =
  | { task: 'imageClassification'; config: PerceiverClassifierConfig }
  | { task: 'maskedLanguage'; config: LanguageModelConfig }
  | { task: 'textClassification'; config: TextClassifierConfig }
  | { task: 'opticalFlow'; config: OpticalFlowConfig }
  | { task: 'autoencoding'; config: AutoencoderConfig };

/** A model of another implementation: ours with its configuration, and where that keeps the parameters. */
export interface ReferencePerceiver {
  model: PerceiverModel;
  layout: Layout;
}
