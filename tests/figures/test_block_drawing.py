from resnet_core.figures.block_drawing import residual_block_drawing


def test_only_the_residual_block_has_an_arc_and_an_addition():
    figure = residual_block_drawing(False)
    middle = sum(figure.layout.xaxis.range) / 2
    arc = next(shape for shape in figure.layout.shapes if shape.type == "path")
    assert float(arc.path.split()[1].split(",")[0]) > middle
    assert [note.x > middle for note in figure.layout.annotations if note.text == "<b>+</b>"] == [True]
