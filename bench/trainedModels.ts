/** The models whose training steps are timed, set beside PyTorch, and taken apart. */
import type { WorkloadSpec } from './workload.js';

/** A workload, what tables call it, and the efficiency that is wanted of its training step. */
export interface TrainedModel {
  title: string;
  workload: WorkloadSpec;
  wantedEfficiency: number;
}

/** Of the table `training`. */
export const hipModels: Record<string, TrainedModel> = {
  Mini: {
    title: 'HiP-Mini, 1,024 x 3, batch 4',
    workload: { system: 'hip', variant: 'Mini', indexShape: [1024], channels: 3, batch: 4, task: 'reconstruct' },
    wantedEfficiency: 0.75,
  },
  '16': {
    title: 'HiP-16, 50,176 x 3, batch 1',
    workload: { system: 'hip', variant: '16', indexShape: [224, 224], channels: 3, batch: 1, task: 'reconstruct' },
    wantedEfficiency: 0.75,
  },
};

/** Of the table `image-family`. */
export const imageModels: Record<string, TrainedModel> = {
  vit: {
    title: 'ViT-B/16, 224, batch 8',
    workload: { system: 'vit', variant: 'B16', indexShape: [224, 224], channels: 3, batch: 8, task: 'image' },
    wantedEfficiency: 0.85,
  },
  mae: {
    title: 'MAE ViT-B/16, 224, batch 8',
    workload: { system: 'mae', variant: 'B16', indexShape: [224, 224], channels: 3, batch: 8, task: 'image' },
    wantedEfficiency: 0.85,
  },
};
