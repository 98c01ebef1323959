/** The Swin transformer as a system. */

import { swinVariants } from '../fastmimVariants.js';
import { type SwinConfig, swin, swinClassifier } from '../swin.js';
import type { System } from '../system.js';
import { encoderOutputs, imageOf, oneGroup, refuseMasks, withoutSizes } from './images.js';

export const swinSystem: System<Omit<SwinConfig, 'size'>> = {
  name: 'swin',
  summary: 'Swin transformer: attention inside small windows that shift',
  paper: 'arXiv 2103.14030',
  variants: withoutSizes(swinVariants),
  masksElements: false,
  grouping: oneGroup,

  apply(scope, config, modalities, inputs, options = {}) {
    refuseMasks('swin', options);
    const { pixels, size } = imageOf('swin', modalities, inputs);
    const { embedded, stages, output } = swin(scope, { ...config, size }, pixels);
    return encoderOutputs(scope, embedded, stages, output);
  },

  classify(scope, config, modalities, inputs, classes) {
    const { pixels, size } = imageOf('swin', modalities, inputs);
    return swinClassifier(scope, swin(scope, { ...config, size }, pixels).output, classes);
  },
};
