/** Sharded tar storage as WebDataset defines it: an index of byte ranges, read at any place in any order. */
export { type DatasetCard, readCard, type Settings, type SplitCard } from './card.js';
export { type ExampleOptions, exampleStream } from './examples.js';
export { type ShardLabelOptions, type ShardLabels, shardLabels } from './labels.js';
export { openShards } from './open.js';
export { shardOrder } from './order.js';
export { expandBraces, shardPaths, shardSplits } from './paths.js';
export { closeShards, readMember } from './readMember.js';
export {
  ABSENT,
  hasPart,
  memberName,
  type PartColumn,
  presentPart,
  rowsWith,
  type ShardIndex,
  sampleKey,
  selectSamples,
  shardOf,
} from './shardIndex.js';
export { checkSmaller, type SmallerOptions } from './smaller.js';
export {
  type SampleStream,
  type ShardSample,
  type UnreadableSample,
  type WriteShardsOptions,
  type WrittenShards,
  writeShards,
} from './write.js';
