"""Why modules have no counterpart. Cases that a lowering refuses say why themselves; what is in neither is an error."""

from torch import nn

THREE_AXES = 'windows over three axes'
NO_LOSS = 'no such loss'

REASONS = {
    **dict.fromkeys(
        (
            nn.Conv3d, nn.ConvTranspose3d, nn.MaxPool3d, nn.AvgPool3d, nn.AdaptiveMaxPool3d, nn.AdaptiveAvgPool3d,
            nn.LazyConv3d, nn.LazyConvTranspose3d,
        ),
        THREE_AXES,
    ),
    nn.FractionalMaxPool2d: 'windows drawn at random',
    nn.FractionalMaxPool3d: 'windows drawn at random',
    nn.Unfold: 'no layer of patches',
    nn.Fold: 'no layer of patches',
    **dict.fromkeys(
        (
            nn.HingeEmbeddingLoss, nn.MultiLabelMarginLoss, nn.MultiMarginLoss, nn.CosineEmbeddingLoss,
            nn.MarginRankingLoss, nn.TripletMarginLoss, nn.CTCLoss, nn.GaussianNLLLoss,
        ),
        NO_LOSS,
    ),
}  # fmt: skip
