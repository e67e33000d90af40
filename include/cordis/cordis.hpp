// cordis/cordis.hpp: the engine and its training parts; this list is the table of contents
#pragma once

#include <cordis/config.hpp>

// core: what a tensor is
#include <cordis/core/device.hpp>
#include <cordis/core/dtype.hpp>
#include <cordis/core/memory.hpp>
#include <cordis/core/parallel.hpp>
#include <cordis/core/random.hpp>
#include <cordis/core/shape.hpp>
#include <cordis/core/storage.hpp>
#include <cordis/core/tensor.hpp>

// autograd: the tape
#include <cordis/autograd/gradcheck.hpp>
#include <cordis/autograd/leaf_done.hpp>
#include <cordis/autograd/variable.hpp>

// op: functions of variables
#include <cordis/op/activation.hpp>
#include <cordis/op/arithmetic.hpp>
#include <cordis/op/batch_norm.hpp>
#include <cordis/op/conv1d.hpp>
#include <cordis/op/conv1d_packed.hpp>
#include <cordis/op/dropout.hpp>
#include <cordis/op/linear.hpp>
#include <cordis/op/loss.hpp>
#include <cordis/op/pool1d.hpp>
#include <cordis/op/recurrent.hpp>
#include <cordis/op/reshape.hpp>
#include <cordis/op/rows.hpp>
#include <cordis/op/sequence.hpp>

// nn: layers
#include <cordis/nn/batch_norm.hpp>
#include <cordis/nn/conv1d.hpp>
#include <cordis/nn/dropout.hpp>
#include <cordis/nn/fused_conv1d.hpp>
#include <cordis/nn/init.hpp>
#include <cordis/nn/linear.hpp>
#include <cordis/nn/module.hpp>
#include <cordis/nn/recurrent.hpp>
#include <cordis/nn/summary.hpp>

// optim: steps, schedules, clipping
#include <cordis/optim/adam.hpp>
#include <cordis/optim/clip.hpp>
#include <cordis/optim/optimizer.hpp>
#include <cordis/optim/schedule.hpp>
#include <cordis/optim/sgd.hpp>

// io: files
#include <cordis/io/atomic_file.hpp>
#include <cordis/io/load.hpp>
#include <cordis/io/mapped_file.hpp>
#include <cordis/io/safetensors.hpp>
#include <cordis/io/safetensors_header.hpp>

// cuda: streams, events, graphs and the choice of implementation, in programs built for GPUs
#include <cordis/cuda/graph.hpp>
#include <cordis/cuda/runtime.hpp>

// data, train: batches, epochs, metrics, checkpoints
#include <cordis/data/dataset.hpp>
#include <cordis/data/loader.hpp>
#include <cordis/data/split.hpp>
#include <cordis/train/bootstrap.hpp>
#include <cordis/train/checkpoint.hpp>
#include <cordis/train/metrics.hpp>
#include <cordis/train/recorded.hpp>
#include <cordis/train/statistics.hpp>
#include <cordis/train/trainer.hpp>

// models: the six networks
#include <cordis/models/any_model.hpp>
#include <cordis/models/fused.hpp>
#include <cordis/models/recurrent.hpp>
#include <cordis/models/resnet1d.hpp>
