/** What people do with a model: classify, tag, segment, probe, embed, retrieve, reconstruct. */

export { type BlockAttention, composeAttention, type InputAttention, inputAttention } from './attention.js';
export { classificationObjective, classify, type FeatureView, features, latentWidths } from './classification.js';
export { type ClassificationScore, evaluateClassifier } from './evaluateClassifier.js';
export { type EncoderScore, type EvaluateEncoderOptions, evaluateEncoder } from './evaluateEncoder.js';
export {
  evaluateSegmenter,
  type SegmentationScore,
  type SegmentedExamples,
  segmentExamples,
} from './evaluateSegmenter.js';
export { evaluateTagger, type TaggingScore } from './evaluateTagger.js';
export { type ExportAccuracy, exportAccuracy } from './exportAccuracy.js';
export { type ExportedGraph, type ExportGraphOptions, type ExportTask, exportGraph } from './exportGraph.js';
export { type ExportOptions, type ExportReport, exportOnnx } from './exportOnnx.js';
export { type ExportPrecision, PRECISIONS, precisionNamed } from './exportPrecision.js';
export { exportWeights, type WeightsReport } from './exportWeights.js';
export { type FinetuneResult, finetune } from './finetune.js';
export { type ImportedModel, type ImportOptions, importModel, recognise } from './importModel.js';
export {
  describeVariant,
  type InspectedModel,
  inspectModel,
  labelNames,
  type ModelReport,
  type StageReport,
} from './inspect.js';
export { type Latency, type LatencyOptions, type LatencySubject, measureLatency } from './latency.js';
export { type LoadedModel, loadModel, type TrainedModel } from './loadModel.js';
export * from './metrics/index.js';
export { type OpenDataOfOptions, openDataOf } from './openDataOf.js';
export {
  type Answer,
  answerOf,
  type FileBatch,
  type FilePrediction,
  type FileSegmentation,
  fileBatches,
  type LabelProbability,
  predictClasses,
  predictSegments,
} from './predict.js';
export { embedDataset, type FeatureSet, knnAccuracy, linearProbe, type ProbeOptions, rawFeatures } from './probe.js';
export { type ModalityReconstruction, type Reconstruction, reconstruct, restoreTargets } from './reconstruction.js';
export { evaluateRetrieval, type RetrievalScore } from './retrieval.js';
export { Runner } from './runner.js';
export { saveFeatures } from './saveFeatures.js';
export { Mosaic, openScene, type Scene } from './scenes.js';
export type { ScoredData } from './score.js';
export { segment, segmentationObjective, segmentLabels } from './segmentation.js';
export { taggingObjective } from './tagging.js';
export { evaluateTask, type Score, taskOf } from './tasks.js';
export type { Watch } from './watch.js';
