/** The reference's names of the parts that depend on which modalities a model takes. */

/** Parts of one modality inside its embedder and position encoder. */
export const embedName = (modality: string) => `~embed/embed_${modality}`;
export const unembedName = (modality: string) => `~unembed/unembed_${modality}`;
export const tableName = (modality: string) => `pos_emb_mae_${modality}`;
export const fourierName = (modality: string) => `fourier_linear_${modality}`;

/** Projections of position tables are numbered by the order of their modalities, from 0. */
export const projectionName = (order: number) => numbered('position_encoding_linear', order);

/** Signals share an embedder and a position encoder; each label modality, counted from 0, has its own. */
export const embedderName = (label?: number) => numbered('embedder', label === undefined ? 0 : label + 1);
export const positionEncoderName = (label?: number) =>
  numbered('position_encoder', label === undefined ? 0 : label + 1);

/** Blocks are called differently where there are labels; and the labels' head is made first, so that it has no number. */
export const blockName = (block: number, hasLabels: boolean) => `${hasLabels ? 'perceiver_block' : 'block'}_${block}`;
export const labelHeadName = 'reconstruction_head';
export const signalHeadName = (hasLabels: boolean) => numbered('reconstruction_head', Number(hasLabels));

/** Of several parts of one kind the first has no number. */
function numbered(name: string, number: number): string {
  return number === 0 ? name : `${name}_${number}`;
}
