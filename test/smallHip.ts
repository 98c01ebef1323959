/** Fields of a HiP of 3 blocks with a few thousand parameters: a step of it takes milliseconds. */
export const smallHip = {
  numGroups: [4, 1, 4],
  numSelfAttendsPerBlock: [1, 1, 1],
  zIndexDim: [4, 8, 4],
  numZChannels: [8, 16, 8],
  numSelfAttendHeads: [2, 2, 2],
  numEmbeddingChannels: 8,
};
