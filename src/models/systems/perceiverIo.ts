/** Perceiver IO as HiP is compared with, as a system. */
import { type PerceiverIoConfig, perceiverIo, perceiverIoGrouping } from '../perceiverIo.js';
import type { System } from '../system.js';
import { perceiverIoVariants } from '../variants.js';

export const perceiverIoSystem: System<PerceiverIoConfig> = {
  name: 'perceiver_io',
  summary: 'Perceiver IO: all inputs in one group, for comparison',
  paper: 'arXiv 2107.14795',
  variants: perceiverIoVariants,
  masksElements: true,
  settings: ['zIndexDimTrain', 'zIndexDimEval'],
  apply: perceiverIo,
  grouping: perceiverIoGrouping,
};
