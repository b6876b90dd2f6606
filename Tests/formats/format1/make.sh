#!/bin/sh
# Writes the checkpoints of this folder, one of every kind, and what the program says of the rows of rows.csv.
#
# They stand for the files of format 1, which programs up to version 0.1 wrote: the argument is the path of such a
# program, built before format 2 was. Tests read the files; nobody needs to make them again.
set -e
density=$1

train() {
  name=$1
  shift
  $density train --data train.csv --validation rows.csv --run run "$@" >/dev/null 2>&1
  cp run/${FILE:-best}.safetensors "$name.safetensors"
  rm -rf run
}

steps="--epochs 3 --batch 20"
train fvsbn --model fvsbn --seed 3 $steps
train nade-relu --model nade --hidden 5 --ordering random --seed 4 $steps
train nade-sigmoid --model nade --hidden 6 --activation sigmoid $steps
train made --model made --hidden 7 --seed 5 $steps
train made-none --model made --hidden none --seed 6 $steps
train made-direct --model made --hidden 6,8 --direct --activation tanh --seed 7 $steps
train made-residual --model made --hidden 6,6,5 --residual --activation softplus --seed 8 $steps
train made-masks --model made --hidden 6,7 --masks 3 --ordering resampled --seed 9 $steps
train made-fresh --model made --hidden 8 --masks 2 --fresh-masks --ordering natural --seed 10 $steps
train eonade --model eonade --hidden 5 --orders 3 --seed 11 $steps
train eonade-deep --model eonade --hidden 5,4 --orders 1 --ordering random --seed 12 $steps
train bernoulli --model bernoulli
train bernoulli-mixture --model bernoulli-mixture --components 3
train chow-liu --model chow-liu
train ensemble --model made --hidden 5 --members 3 --seed 13 $steps
train mixture --model nade --hidden 4 --members 4 --orders 2 --ordering random --seed 14 $steps
FILE=last
train training --model made --hidden 5 --average 0.9 --seed 15 $steps
rm -f logprob.txt
for file in *.safetensors; do
  for value in $($density logprob $file rows.csv); do echo "${file%.safetensors} $value"; done >> logprob.txt
done
