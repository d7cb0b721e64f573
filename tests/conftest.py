import torch

# pytest-xdist fills the cores with processes; threads on top of that only wait for each other.
torch.set_num_threads(1)
