/** The Hierarchical Perceiver, and the same with labels at its bottleneck, as systems. */
import { type HipConfig, hip, hipGrouping } from '../hip.js';
import type { System } from '../system.js';
import { hipVariants } from '../variants.js';

export const hipSystem: System<HipConfig> = {
  name: 'hip',
  summary: 'Hierarchical Perceiver: raw inputs in groups, positions learned',
  paper: 'arXiv 2202.10890',
  variants: hipVariants,
  masksElements: true,
  settings: ['processorIndexDimTrain', 'processorIndexDimEval', 'labelModalities'],
  apply: hip,
  grouping: hipGrouping,
};

export const hipClassBottleneckSystem: System<HipConfig> = {
  ...hipSystem,
  name: 'hip_class_bottleneck',
  summary: 'HiP whose label modalities enter and leave at the processor',
};
