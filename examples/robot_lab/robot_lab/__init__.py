"""A laboratory with cameras and thermometers, which keeps its data in Viam's cloud."""
