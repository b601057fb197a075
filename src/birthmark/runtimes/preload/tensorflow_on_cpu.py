"""TensorFlow without its log."""

import os

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}

import tensorflow  # noqa: E402
from tensorflow.core.protobuf import saved_model_pb2  # noqa: E402

__all__ = ["saved_model_pb2", "tensorflow"]
