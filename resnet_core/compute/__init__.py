"""Where tensors are computed: Ray tasks that train and an actor that answers pages."""
